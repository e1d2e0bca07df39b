//! Sources that make their records up, from a seed and a position.
//!
//! Apart from the file source because nothing is read: every record is a pure function of (seed,
//! position), so a position is one integer, resuming costs nothing, and two runs see the same stream.
//! The stream as a whole does not depend on parallelism either; only who emits which part of it does.
//!
//! - [`ClickGenerator`]: the clicks of a shop, with skewed popularity and genuine disorder;
//! - [`AppEventGenerator`]: the marketing log of an app;
//! - [`NexmarkGenerator`]: the auction house of the Nexmark benchmark;
//! - [`Sequence`]: bare integer keys, for measuring everything but the source.

mod app_event;
mod app_events;
mod click;
mod clicks;
mod counted;
mod hash;
mod limits;
mod mapped;
mod nexmark;
mod sequence;

pub use app_event::AppEvent;
pub use app_events::{AppEventGenerator, AppEvents};
pub use click::{Behavior, Click};
pub use clicks::{ClickGenerator, Clicks};
pub use counted::{Counted, CountedSplit, EventTime, Formula, OwnTime};
pub use mapped::Mapped;
pub use nexmark::{Auction, Bid, Event, NexmarkEvents, NexmarkGenerator, Person, Text};
pub use sequence::{Keys, Sequence};
