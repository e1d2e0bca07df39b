//! The section `job`: numbers and addresses that make sense.

use super::{Checking, kind};
use crate::code::Code;
use crate::decode::Spanned;
use crate::diagnostic::Diagnostic;
use crate::document::{Duration, Job, Restart};
use crate::limits;
use std::net::SocketAddr;

pub(super) fn check(job: &Job, checking: &mut Checking<'_>) {
    if let Some(most) = &job.max_parallelism
        && !(1..=limits::PARALLELISM).contains(&most.value)
    {
        let message = format!("`max_parallelism` is from 1 to {}", limits::PARALLELISM);
        checking
            .push(Diagnostic::new(Code::OutOfRange, most.span, message).label("this is outside"));
    } else if let Some(number) = &job.parallelism {
        parallelism(number, checking);
    }
    if let Some(rate) = &job.rate
        && rate.value <= 0.0
    {
        let wrong =
            Diagnostic::new(Code::OutOfRange, rate.span, "a rate is above 0 records per second");
        checking.push(
            wrong.label("nothing would ever come").help("leave it out for as many as there are"),
        );
    }
    for time in [&job.checkpoint.interval, &job.checkpoint.timeout].into_iter().flatten() {
        above_zero(time, checking);
    }
    if let Some(storage) = &job.checkpoint.storage {
        self::storage(storage, checking);
    }
    addresses(job, checking);
    restart(job.restart.as_ref(), checking);
}

/// Checks what follows failures, of a job or of a node.
pub(super) fn restart(said: Option<&Restart>, checking: &mut Checking<'_>) {
    if let Some(Restart::ExponentialDelay(delay)) = said {
        if let Some(multiplier) = delay.multiplier.as_ref().filter(|number| number.value < 1.0) {
            let wrong =
                Diagnostic::new(Code::OutOfRange, multiplier.span, "a multiplier is 1 or more");
            checking.push(wrong.label("delays would become shorter"));
        }
        if let Some(jitter) =
            delay.jitter.as_ref().filter(|number| !(0.0..=1.0).contains(&number.value))
        {
            let wrong = Diagnostic::new(Code::OutOfRange, jitter.span, "a share is from 0 to 1");
            checking.push(wrong.label("this is outside"));
        }
    }
}

pub(super) fn above_zero(time: &Spanned<Duration>, checking: &mut Checking<'_>) {
    if time.value.millis() <= 0 {
        let wrong = Diagnostic::new(Code::OutOfRange, time.span, "the time must be above zero");
        checking.push(wrong.label("this is no time at all"));
    }
}

pub(super) fn parallelism(number: &Spanned<u32>, checking: &mut Checking<'_>) {
    let most = kind::most_subtasks(checking);
    if number.value == 0 {
        let wrong =
            Diagnostic::new(Code::OutOfRange, number.span, "the parallelism must be 1 or more");
        checking.push(wrong.label("nobody would do the work"));
    } else if number.value > most {
        let message =
            format!("there cannot be {} subtasks: there are {most} key groups", number.value);
        let help = format!(
            "say `max_parallelism: {}` in `job`, before there is state: it is fixed then",
            number.value.next_power_of_two()
        );
        checking.push(
            Diagnostic::new(Code::Parallelism, number.span, message)
                .label(format!("this is more than {most}"))
                .help(help),
        );
    }
}

fn storage(storage: &Spanned<String>, checking: &mut Checking<'_>) {
    let is_folder = storage.value.strip_prefix("file://").is_some_and(|path| path.starts_with('/'));
    if is_folder || matches!(storage.value.as_str(), "sled" | "memory") {
        return;
    }
    let help = match storage.value.as_str() {
        path if path.starts_with('/') => format!("did you mean `file://{path}`?"),
        path if path.starts_with("s3:") => "stores of objects cannot be named here yet".into(),
        _ => "write `sled`, `memory`, or a URL such as `file:///var/lib/job`".into(),
    };
    let message = format!("`{}` is no storage", storage.value);
    checking
        .push(Diagnostic::new(Code::BadPath, storage.span, message).label("not known").help(help));
}

fn addresses(job: &Job, checking: &mut Checking<'_>) {
    let Some(address) = &job.metrics.address else { return };
    if address.value.parse::<SocketAddr>().is_err() {
        let help = match address.value.split_once(':') {
            Some(("localhost", port)) => format!("did you mean `127.0.0.1:{port}`?"),
            Some(("", port)) => format!("did you mean `0.0.0.0:{port}`?"),
            _ => "write numbers, such as `127.0.0.1:9249`; for a port on this machine `port: 9249` is enough".into(),
        };
        let message = format!("`{}` is no address", address.value);
        checking.push(
            Diagnostic::new(Code::BadPath, address.span, message)
                .label("expected HOST:PORT")
                .help(help),
        );
    }
    if let Some(port) = job.metrics.port {
        let wrong = Diagnostic::new(
            Code::Contradiction,
            address.span,
            "metrics have a `port` and an `address`",
        );
        checking
            .push(wrong.label(format!("the port {port} is said already")).help("keep one of them"));
    }
}
