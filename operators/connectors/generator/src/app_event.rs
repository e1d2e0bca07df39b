//! What the users of an app do, and through which channel they came: one row of its marketing log.
//!
//! Apart from the generator because a file of events gives the same type: the columns of a row are
//! `user,behavior,channel,timestamp`, without a header. Channels and behaviours are open sets, so they are
//! text.

use serde::{Deserialize, Serialize};

/// A user did something with an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppEvent {
    /// Who.
    pub user: String,
    /// What: `CLICK`, `DOWNLOAD`, `INSTALL` or `UNINSTALL`.
    pub behavior: String,
    /// Through whom they came, such as `wechat` or `appstore`.
    pub channel: String,
    /// When: seconds since the epoch, UTC.
    pub timestamp: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_a_file_becomes_an_event_and_a_row_again() {
        let row = "5ac1,INSTALL,wechat,1511658000\n";
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(row.as_bytes());
        let event: AppEvent = reader.deserialize().next().unwrap().unwrap();
        assert_eq!((event.behavior.as_str(), event.timestamp), ("INSTALL", 1_511_658_000));
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        writer.serialize(event).unwrap();
        assert_eq!(writer.into_inner().unwrap(), row.as_bytes());
    }
}
