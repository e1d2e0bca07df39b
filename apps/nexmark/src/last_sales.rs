//! The sales of a seller in the order in which the winning bids were made, each with the mean price of itself and of those
//! before it: what q6 asks.
//!
//! Apart because it is asked twice: of winners that are final, by the query in Rust, and of winners that are revised, by its
//! topology. A sale that comes between others, or goes, changes the means of the sales behind it; those are told anew.

use serde::{Deserialize, Serialize};
use tidegate::prelude::*;

/// A sale, in the order of sales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Sale {
    pub(crate) won: Timestamp,
    pub(crate) auction: u64,
    pub(crate) seller: u64,
    pub(crate) price: u64,
}

/// A sale and the mean price of the last ones.
pub(crate) type Told = (Sale, u64);

/// The mean price of the sale at `place` and of so many before it, rounded down.
fn mean(sales: &[Sale], place: usize, before: usize) -> u64 {
    let last = &sales[place.saturating_sub(before)..=place];
    last.iter().map(|sale| sale.price).sum::<u64>() / last.len() as u64
}

/// The means from `place` on that a sale there has a part in.
fn means(sales: &[Sale], place: usize, before: usize, most: usize) -> Vec<u64> {
    let end = sales.len().min(place.saturating_add(most));
    (place..end).map(|place| mean(sales, place, before)).collect()
}

/// Tells the sales from `place` on whose mean is another one than it was.
fn tell_revised(
    sales: &[Sale],
    place: usize,
    before: usize,
    were: &[u64],
    tell: &mut impl FnMut(Change<Told>),
) {
    for (place, was) in (place..).zip(were) {
        let (sale, is) = (sales[place], mean(sales, place, before));
        if *was != is {
            tell(Change::update_before((sale, *was)));
            tell(Change::update_after((sale, is)));
        }
    }
}

/// Puts a sale in its place, and tells it and the means that it changes. Each mean takes in `before` sales before its own.
pub(crate) fn put_in(
    sales: &mut Vec<Sale>,
    sale: Sale,
    before: usize,
    mut tell: impl FnMut(Change<Told>),
) {
    let place = sales.partition_point(|other| *other < sale);
    let were = means(sales, place, before, before);
    sales.insert(place, sale);
    tell(Change::insert((sale, mean(sales, place, before))));
    tell_revised(sales, place + 1, before, &were, &mut tell);
}

/// Takes a sale out, and tells that, and the means that are other ones without it. One that is not there changes nothing.
pub(crate) fn take_out(
    sales: &mut Vec<Sale>,
    sale: Sale,
    before: usize,
    mut tell: impl FnMut(Change<Told>),
) {
    let Ok(place) = sales.binary_search(&sale) else { return };
    let were = means(sales, place, before, before.saturating_add(1));
    sales.remove(place);
    let Some((was, behind)) = were.split_first() else { return };
    tell(Change::delete((sale, *was)));
    tell_revised(sales, place, before, behind, &mut tell);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few hundred sales put in and taken out: what was told amounts to the sales that are left, with their means.
    #[test]
    fn what_is_told_amounts_to_the_sales_that_are_left_and_their_means() {
        for before in [0, 1, 3] {
            let (mut sales, mut told) = (Vec::new(), Vec::<Told>::new());
            let mut seed = 7_u64;
            for step in 0..400_u64 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let number = (seed >> 33) % 40;
                let won = Timestamp((number * 37 % 40).cast_signed());
                let sale = Sale { won, auction: number, seller: 1, price: number * number };
                let mut tell = |change: Change<Told>| {
                    if change.is_addition() {
                        told.push(change.row);
                    } else {
                        let at = told.iter().position(|row| *row == change.row);
                        told.remove(at.unwrap_or_else(|| panic!("step {step}: {:?}", change.row)));
                    }
                };
                match sales.contains(&sale) {
                    true => take_out(&mut sales, sale, before, &mut tell),
                    false => put_in(&mut sales, sale, before, &mut tell),
                }
                told.sort();
                let all = sales.iter().enumerate();
                let expected: Vec<Told> =
                    all.map(|(at, sale)| (*sale, mean(&sales, at, before))).collect();
                assert_eq!(told, expected, "step {step}, {before} before");
                assert!(sales.is_sorted());
            }
        }
    }

    #[test]
    fn a_mean_takes_in_the_sale_and_those_before_it() {
        let sale = |at: i64, price| Sale { won: Timestamp(at), auction: 0, seller: 1, price };
        let sales = [sale(1, 10), sale(2, 20), sale(3, 60)];
        assert_eq!([0, 1, 2].map(|place| mean(&sales, place, 1)), [10, 15, 40]);
        let mut left = sales.to_vec();
        take_out(&mut left, sale(9, 9), 1, |change| panic!("{:?} is told", change.row));
        assert_eq!(left, sales);
    }
}
