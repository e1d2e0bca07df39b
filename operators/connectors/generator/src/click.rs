//! A click: one row of the user behaviour data set, from the generator or from a file.
//!
//! Apart from the generator because a file of clicks gives the same type: the columns of a row are
//! `user_id,item_id,category_id,behavior,timestamp`, without a header.

use serde::{Deserialize, Serialize};
use tidegate_core::key::Key;

/// What a user did with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Behavior {
    /// Looked at its page.
    Pv,
    /// Put it into the cart.
    Cart,
    /// Marked it as a favourite.
    Fav,
    /// Bought it.
    Buy,
}

impl Behavior {
    /// The word for it in the data: `pv`, `cart`, `fav` or `buy`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pv => "pv",
            Self::Cart => "cart",
            Self::Fav => "fav",
            Self::Buy => "buy",
        }
    }
}

impl Key for Behavior {
    fn write_canonical(&self, out: &mut Vec<u8>) {
        // No word is the beginning of another.
        out.extend_from_slice(self.as_str().as_bytes());
    }
}

impl std::fmt::Display for Behavior {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A user did something with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Click {
    /// Who.
    pub user_id: u64,
    /// With what.
    pub item_id: u64,
    /// The item's category.
    pub category_id: u32,
    /// What.
    pub behavior: Behavior,
    /// When: seconds since the epoch, UTC.
    pub timestamp: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_a_file_becomes_a_click_and_a_row_again() {
        let row = "543462,1715,1464116,cart,1511658000\n";
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(row.as_bytes());
        let click: Click = reader.deserialize().next().unwrap().unwrap();
        let expected = Click {
            user_id: 543_462,
            item_id: 1_715,
            category_id: 1_464_116,
            behavior: Behavior::Cart,
            timestamp: 1_511_658_000,
        };
        assert_eq!(click, expected);
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        writer.serialize(click).unwrap();
        assert_eq!(writer.into_inner().unwrap(), row.as_bytes());
    }
}
