//! The events of Nexmark, the field's benchmark: an auction house with people, auctions and bids.
//!
//! A port of the reference generator's rules (github.com/nexmark/nexmark: proportions, hot items, auctions
//! in flight, sizes), with text and chance of its own. Event `n` follows from the seed and `n` alone.

mod event;
mod events;
mod generator;
mod pool;
mod price;
mod text;

pub use event::{Auction, Bid, Event, Person};
pub use events::NexmarkEvents;
pub use generator::NexmarkGenerator;
pub use text::Text;
