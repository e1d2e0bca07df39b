//! The e-commerce jobs: each a lesson of a few dozen lines.

/// The job on the first page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}

mod access_log;
mod ad_blacklist;
mod ad_click;
mod clicks;
mod lesson;
mod login;
mod row;

mod ad_clicks;
mod behavior_counts;
mod channel_stats;
mod hot_items;
mod hot_pages;
mod log_methods;
mod login_fail;
mod login_fail_by_state;
mod order_timeout;
mod order_timeout_by_state;
mod payments;
mod pv;
mod tx_match;
mod user_sessions;
mod uv;

pub use ad_clicks::AdClicks;
pub use behavior_counts::BehaviorCounts;
pub use channel_stats::ChannelStats;
pub use hot_items::HotItems;
pub use hot_pages::HotPages;
pub use lesson::{Command, Lesson, main};
pub use log_methods::LogMethods;
pub use login_fail::LoginFail;
pub use order_timeout::OrderTimeout;
pub use pv::Pv;
pub use tx_match::TxMatch;
pub use user_sessions::UserSessions;
pub use uv::Uv;
