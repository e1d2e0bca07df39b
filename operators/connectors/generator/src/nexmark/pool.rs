//! The pool of made-up text: made once per process, from a fixed seed, and cut into slices by the events.
//!
//! The sizes are those of the reference generator: `extra` fills an event up to its average size, give or
//! take a fifth.

use super::text::Slice;
use crate::hash::{below, splitmix64};
use std::fmt::Write;
use std::sync::LazyLock;

/// The pool is the same in every process.
const SEED: u64 = 0x6e65_786d_6172_6b00;

/// Characters that slices may begin with; a power of two.
const STARTS: u32 = 1 << 16;
/// The longest slice of characters.
const LONGEST: u32 = 1 << 10;

/// Distinct mail addresses and distinct card numbers.
const ADDRESSES: u64 = 4096;
/// Channels that few bids come through, as in the reference.
pub(super) const RARE_CHANNELS: u64 = 10_000;
/// Channels that half of all bids come through.
const HOT_CHANNELS: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];

const FIRST_NAMES: [&str; 11] = [
    "Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter",
];
const LAST_NAMES: [&str; 9] =
    ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];
const CITIES: [&str; 10] = [
    "Phoenix",
    "Los Angeles",
    "San Francisco",
    "Boise",
    "Portland",
    "Bend",
    "Redmond",
    "Seattle",
    "Kent",
    "Cheyenne",
];
const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];

/// A channel and the page that bids through it are made on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channel {
    pub(super) name: Slice,
    pub(super) url: Slice,
}

/// All of it.
pub(super) struct Pool {
    text: String,
    letters: u32,
    words: u32,
    pub(super) names: Vec<Slice>,
    pub(super) addresses: Vec<Slice>,
    pub(super) cards: Vec<Slice>,
    pub(super) cities: Vec<Slice>,
    pub(super) states: Vec<Slice>,
    pub(super) hot_channels: Vec<Channel>,
    pub(super) rare_channels: Vec<Channel>,
}

static POOL: LazyLock<Pool> = LazyLock::new(|| Maker::default().make());

/// The pool.
pub(super) fn pool() -> &'static Pool {
    &POOL
}

/// The text of a slice.
pub(super) fn text(Slice { start, length }: Slice) -> &'static str {
    &POOL.text[start as usize..(start + length) as usize]
}

/// One of `all`, as `hash` draws.
#[inline]
pub(super) fn draw<T: Copy>(all: &[T], hash: u64) -> T {
    all[below(hash, all.len() as u64) as usize]
}

impl Pool {
    /// `length` letters without spaces, from where the low bits of `hash` say.
    #[inline]
    pub(super) const fn letters(&self, hash: u64, length: u32) -> Slice {
        Slice { start: self.letters + hash as u32 % STARTS, length }
    }

    /// `length` letters with spaces between them, from where the low bits of `hash` say.
    #[inline]
    pub(super) const fn words(&self, hash: u64, length: u32) -> Slice {
        Slice { start: self.words + hash as u32 % STARTS, length }
    }
}

/// Makes the pool.
#[derive(Default)]
struct Maker {
    text: String,
    drawn: u64,
}

impl Maker {
    fn make(mut self) -> Pool {
        let region = STARTS + LONGEST;
        let letters = self.add(|maker| maker.letters(region, "")).start;
        let words = self.add(|maker| maker.letters(region, " ")).start;
        let mut names = Vec::new();
        for first in FIRST_NAMES {
            names.extend(LAST_NAMES.map(|last| self.say(&format!("{first} {last}"))));
        }
        let addresses = (0..ADDRESSES).map(|_| self.address()).collect();
        let cards = (0..ADDRESSES).map(|_| self.card()).collect();
        let cities = CITIES.map(|city| self.say(city)).to_vec();
        let states = STATES.map(|state| self.say(state)).to_vec();
        let hot_channels = HOT_CHANNELS.map(|name| self.channel(name, None)).to_vec();
        let rare = |maker: &mut Self, number: u64| {
            // As the reference spreads its numbers: the bits in reverse, without the sign.
            let spread = (number as i32).reverse_bits().unsigned_abs();
            let tells = maker.below(10) > 0;
            maker.channel(&format!("channel-{spread}"), tells.then_some(spread))
        };
        let rare_channels = (0..RARE_CHANNELS).map(|number| rare(&mut self, number)).collect();
        Pool {
            text: self.text,
            letters,
            words,
            names,
            addresses,
            cards,
            cities,
            states,
            hot_channels,
            rare_channels,
        }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.drawn += 1;
        below(splitmix64(SEED, self.drawn), n)
    }

    fn add(&mut self, write: impl FnOnce(&mut Self)) -> Slice {
        let start = self.text.len();
        write(self);
        let part = |at: usize| u32::try_from(at).expect("the pool is a few megabytes");
        Slice { start: part(start), length: part(self.text.len() - start) }
    }

    fn say(&mut self, text: &str) -> Slice {
        self.add(|maker| maker.text.push_str(text))
    }

    /// Letters, one in thirteen of them a `space` where there is one.
    fn letters(&mut self, count: u32, space: &str) {
        for _ in 0..count {
            match space {
                "" => self.letter(),
                space if self.below(13) == 0 => self.text.push_str(space),
                _ => self.letter(),
            }
        }
    }

    fn letter(&mut self) {
        let letter = b'a' + self.below(26) as u8;
        self.text.push(char::from(letter));
    }

    /// Between three letters and fewer than `most`.
    fn some_letters(&mut self, most: u64, space: &str) {
        let count = 3 + self.below(most - 3) as u32;
        self.letters(count, space);
    }

    fn address(&mut self) -> Slice {
        self.add(|maker| {
            maker.some_letters(7, "");
            maker.text.push('@');
            maker.some_letters(5, "");
            maker.text.push_str(".com");
        })
    }

    fn card(&mut self) -> Slice {
        let groups = [(); 4].map(|()| format!("{:04}", self.below(10_000)));
        self.say(&groups.join(" "))
    }

    fn channel(&mut self, name: &str, id: Option<u32>) -> Channel {
        let name = self.say(name);
        let url = self.add(|maker| {
            maker.text.push_str("https://www.nexmark.com/");
            for _ in 0..3 {
                maker.some_letters(5, "_");
                maker.text.push('/');
            }
            maker.text.push_str("item.htm?query=1");
            if let Some(id) = id {
                write!(maker.text, "&channel_id={id}").expect("a string takes what is written");
            }
        });
        Channel { name, url }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_from_anywhere_lies_in_its_region() {
        let pool = pool();
        let last = text(pool.letters(u64::MAX, LONGEST));
        assert!(last.len() == LONGEST as usize && last.bytes().all(|b| b.is_ascii_lowercase()));
        let words = text(pool.words(u64::MAX, LONGEST));
        assert!((20..200).contains(&words.matches(' ').count()), "{words}");
    }

    #[test]
    fn text_looks_like_that_of_the_reference() {
        let pool = pool();
        assert_eq!((pool.names.len(), text(pool.names[0])), (99, "Peter Shultz"));
        assert_eq!(text(pool.states[3]), "OR");
        let hot = pool.hot_channels[3];
        let page = text(hot.url);
        assert_eq!(text(hot.name), "Apple");
        assert!(page.starts_with("https://www.nexmark.com/"), "{page}");
        assert!(page.ends_with("/item.htm?query=1"), "{page}");
        assert_eq!(page.split('/').count(), 7, "{page}");
        let told = |channel: &&Channel| text(channel.url).contains("&channel_id=");
        let told = pool.rare_channels.iter().filter(told).count();
        assert!((8_800..9_200).contains(&told), "{told}");
        let third = pool.rare_channels[3];
        assert_eq!(text(third.name), format!("channel-{}", 0x4000_0000));
        assert_eq!(text(pool.cards[9]).len(), 19);
        assert!(text(pool.addresses[9]).contains('@'));
    }
}
