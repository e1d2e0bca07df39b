//! The access log of the shop's web server: one request per line.

use serde::{Deserialize, Serialize};
use tidegate::prelude::*;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Who asked.
    pub(crate) ip: String,
    /// How: `GET`, `POST`, ...
    pub(crate) method: String,
    /// For what.
    pub(crate) url: String,
    /// When, in epoch milliseconds.
    pub(crate) at: i64,
}

impl Request {
    /// Reads a line such as `83.149.9.216 - - 17/05/2015:10:05:03 +0000 GET /index.html`.
    ///
    /// # Errors
    /// What the line lacks.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let mut fields = line.split(' ');
        let mut next = |name: &str| fields.next().ok_or(format!("a request has no {name}"));
        let ip = next("address")?.to_owned();
        let (_identity, _user) = (next("identity")?, next("user")?);
        let time = format!("{} {}", next("time")?, next("time zone")?);
        let at = jiff::fmt::strtime::parse("%d/%m/%Y:%H:%M:%S %z", &time)
            .and_then(|parsed| parsed.to_timestamp())
            .map_err(|error| {
                format!("`{time}` is no time such as 17/05/2015:10:05:03 +0000: {error}")
            })?
            .as_millisecond();
        let (method, url) = (next("method")?.to_owned(), next("address of a page")?.to_owned());
        Ok(Self { ip, method, url, at })
    }

    /// Its event time.
    pub(crate) const fn timestamp(&self) -> Timestamp {
        Timestamp(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_and_a_broken_one_says_what_it_lacks() {
        let line = "83.149.9.216 - - 17/05/2015:10:05:03 +0000 GET /index.html";
        let request = Request {
            ip: "83.149.9.216".into(),
            method: "GET".into(),
            url: "/index.html".into(),
            at: 1_431_857_103_000,
        };
        assert_eq!(Request::parse(line), Ok(request));
        let earlier = Request::parse(&line.replace("+0000", "+0200")).map(|request| request.at);
        assert_eq!(earlier, Ok(1_431_857_103_000 - 7_200_000));
        let refused = |line: &str| Request::parse(line).unwrap_err();
        assert_eq!(refused("83.149.9.216 - -"), "a request has no time");
        assert!(
            refused(&line.replace("17/05", "37/05"))
                .starts_with("`37/05/2015:10:05:03 +0000` is no time")
        );
    }
}
