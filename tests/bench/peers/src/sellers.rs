//! q3's join: sellers and sales, either of which may come first; a seller is kept, and a sale until it has its seller.

use crate::windows::Stage;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use tidegate_generator::Text;

/// One side of the join.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Side {
    /// Somebody who may sell.
    Seller { id: u64, name: Text, city: Text, state: Text },
    /// What somebody sells.
    Sale { seller: u64, auction: u64 },
}

impl Side {
    /// The person on either side.
    pub(crate) const fn person(&self) -> u64 {
        match self {
            Self::Seller { id, .. } => *id,
            Self::Sale { seller, .. } => *seller,
        }
    }
}

/// What has come so far.
#[derive(Clone, Default)]
pub(crate) struct Sellers {
    sellers: HashMap<u64, (Text, Text, Text)>,
    sales: HashMap<u64, Vec<u64>>,
}

impl Stage for Sellers {
    type In = Side;
    type Out = (Text, Text, Text, u64);

    #[inline]
    fn take(&mut self, side: Side, rows: &mut Vec<Self::Out>) {
        match side {
            Side::Seller { id, name, city, state } => {
                for auction in self.sales.remove(&id).into_iter().flatten() {
                    rows.push((name.clone(), city.clone(), state.clone(), auction));
                }
                self.sellers.insert(id, (name, city, state));
            }
            Side::Sale { seller, auction } => {
                match self.sellers.get(&seller) {
                    Some((name, city, state)) => {
                        rows.push((name.clone(), city.clone(), state.clone(), auction));
                    }
                    None => self.sales.entry(seller).or_default().push(auction),
                }
            }
        }
    }
}
