//! What [`crate::LoginFail`] finds, found without a pattern: by a function with state and timers.
//!
//! Apart from the lesson because it is what a pattern saves: the same rules written out, with the waiting
//! for event time, the order and the forgetting that a pattern brings along.

use crate::login::{self, Login};
use serde::{Deserialize, Serialize};
use tidegate::prelude::*;

/// What is looked for.
#[derive(Clone, Copy)]
pub(crate) enum Rule {
    /// So many in a row fail.
    InARow { times: usize, within_ms: i64 },
    /// One fails, and the next that succeeds comes soon.
    ThenSuccess { within_ms: i64 },
}

impl Rule {
    const fn within_ms(self) -> i64 {
        match self {
            Self::InARow { within_ms, .. } | Self::ThenSuccess { within_ms } => within_ms,
        }
    }
}

/// Finds the logins that a rule is about, per user.
///
/// A login waits until event time has come to it; so they are judged in the order of event time, and not
/// of arrival.
pub(crate) struct FailedLogins {
    rule: Rule,
    logins: ValueState<u64, Logins>,
}

/// Logins of a user.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Logins {
    /// Those to which event time has not come yet.
    waiting: Vec<Login>,
    /// Those that have failed and may yet be part of a row of the result, oldest first.
    fails: Vec<Login>,
}

impl FailedLogins {
    pub(crate) fn new(rule: Rule) -> Self {
        Self { rule, logins: ValueState::default() }
    }
}

impl KeyedProcess for FailedLogins {
    type Key = u64;
    type In = Login;
    type Out = String;

    fn process(
        &mut self,
        user: Keyed<'_, u64>,
        login: Login,
        ctx: &mut KeyedContext<'_, u64, String>,
    ) -> Result<(), BoxError> {
        let at = login.timestamp();
        if at <= ctx.watermark() {
            // Later logins have been judged already.
            ctx.late(None, login);
            return Ok(());
        }
        // When it is judged, and when it is forgotten.
        ctx.register_timer(TimeDomain::Event, at);
        ctx.register_timer(TimeDomain::Event, at.plus(self.rule.within_ms()));
        self.logins.get_or_insert_with(user, Logins::default).waiting.push(login);
        Ok(())
    }

    fn on_timer(
        &mut self,
        user: Keyed<'_, u64>,
        timer: Timer,
        ctx: &mut KeyedContext<'_, u64, String>,
    ) -> Result<(), BoxError> {
        let Some(Logins { waiting, fails }) = self.logins.get_mut(user) else { return Ok(()) };
        let forgotten = timer.at.minus(self.rule.within_ms());
        fails.retain(|fail| fail.timestamp() > forgotten);
        let is_due = |login: &mut Login| login.timestamp() <= timer.at;
        let mut due: Vec<Login> = waiting.extract_if(.., is_due).collect();
        due.sort_by_key(|login| login.outcome);
        for login in due {
            judge(self.rule, fails, login, |logins| ctx.emit(login::row(*user.key, logins.iter())));
        }
        if waiting.is_empty() && fails.is_empty() {
            self.logins.remove(user);
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("logins", &mut self.logins);
    }
}

/// Says what `login` completes, and keeps what may yet be completed.
fn judge(rule: Rule, fails: &mut Vec<Login>, login: Login, mut found: impl FnMut(&[Login])) {
    match rule {
        Rule::InARow { .. } if login.is_success() => fails.clear(),
        Rule::InARow { times, .. } => {
            fails.push(login);
            if fails.len() == times {
                found(fails);
                fails.remove(0);
            }
        }
        Rule::ThenSuccess { .. } if login.is_success() => {
            for fail in fails.drain(..) {
                found(&[fail, login.clone()]);
            }
        }
        Rule::ThenSuccess { .. } => fails.push(login),
    }
}
