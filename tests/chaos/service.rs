//! A service as services are: it answers after a while, sometimes fails, sometimes hangs up, and sometimes
//! says nothing at all.

use crate::job_process::Dice;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tidegate_tests::lookups;

/// The service; it runs as long as the test's process.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) calls: Arc<AtomicU64>,
}

impl Service {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::new(AtomicU64::new(0));
        let (counted, silent) = (Arc::clone(&calls), Arc::new(Mutex::new(Vec::new())));
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let call = counted.fetch_add(1, Ordering::Relaxed);
                let silent = Arc::clone(&silent);
                std::thread::spawn(move || {
                    // A caller that was killed has nobody to be told.
                    drop(serve(connection, call, &silent));
                });
            }
        });
        Self { address, calls }
    }
}

fn serve(connection: TcpStream, call: u64, silent: &Mutex<Vec<TcpStream>>) -> std::io::Result<()> {
    let mut question = String::new();
    BufReader::new(connection.try_clone()?).read_line(&mut question)?;
    let mut dice = Dice(call);
    let mood = dice.below(1_000);
    if mood < 2 {
        // The connection stays open, and nothing ever comes.
        silent.lock().unwrap().push(connection);
        return Ok(());
    }
    wait(Duration::from_micros(dice.below(3_000)));
    if mood < 40 {
        return Ok(());
    }
    let answer = match question.trim().parse().map(lookups::value) {
        Ok(_) if mood < 80 => "busy".to_owned(),
        Ok(Some(value)) => value.to_string(),
        Ok(None) => "none".to_owned(),
        Err(_) => "not a number".to_owned(),
    };
    (&connection).write_all(format!("{answer}\n").as_bytes())
}

fn wait(time: Duration) {
    let (_never, nothing) = mpsc::channel::<()>();
    assert!(nothing.recv_timeout(time).is_err());
}
