//! A short run of the fuzzer's targets, without the fuzzer: a corpus, changed by chance from a seed.
//!
//! Apart from the targets because only tests use it, a file of each package whose parsers are fuzzed. In any of them
//! `TIDEGATE_FUZZ_ROUNDS=1000000` runs longer, `TIDEGATE_FUZZ_SEED` takes other chances, and `TIDEGATE_FUZZ_SEEDS=DIR` writes
//! the corpus as files, for the fuzzer to begin with.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Changed texts of each target, unless another number is asked for.
const ROUNDS: u64 = 3_000;

/// The longest text that is made; larger ones have tests of their own.
const MOST_BYTES: usize = 16 * 1024;

/// What is put into texts beside bytes by chance.
const WORDS: &str = "\n|\n  |\t|\r\n|\0|\u{feff}|ä|\u{1f600}|'|\"|`|>-|&a |*a|<<: |!x |#|---\n|${A}|${|}|{|[|]|,|: |- |? \
    |null|~|true|NaN|1e999|9223372036854775808|-0|0.1|5s|64MiB|(|)|((((((((|))))))))| and | or |not | = | == | is null\
    | between 1 and | in (1, null)| like '%_'|case when b then | else | end|cast(| as decimal)|interval '1' day|xs[1]\
    |u.name|first(a.x)|last(|t|i|n|f|d|s|b|x|/ 0|% |--|/*|::|->|@|\\";

/// Numbers by chance, the same for a seed everywhere (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// One text made of others.
    fn changed<T: AsRef<[u8]>>(&mut self, corpus: &[T], words: &[&str]) -> Vec<u8> {
        let mut text = self.one(corpus).as_ref().to_vec();
        for _ in 0..=self.below(5) {
            let start = self.below(text.len() + 1);
            let end = (start + self.below(12)).min(text.len());
            match self.below(6) {
                0 => drop(text.drain(start..end)),
                1 => {
                    let put = self.one(words);
                    drop(text.splice(start..end, put.bytes()));
                }
                2 => {
                    let other = self.one(corpus).as_ref();
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(80)).min(other.len());
                    drop(text.splice(start..end, other[from..to].iter().copied()));
                }
                3 => {
                    let part = text[start..end].repeat(self.below(200));
                    drop(text.splice(start..start, part));
                }
                4 => text.truncate(start),
                _ => {
                    if let Some(byte) = text.get_mut(start) {
                        *byte = self.next().to_le_bytes()[0];
                    }
                }
            }
        }
        text.truncate(MOST_BYTES);
        text
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs a target over the corpus and what is made of it; a text that breaks a promise is shown. It is `named` like the
/// fuzzer's program.
///
/// # Panics
/// When one does.
pub(crate) fn smoke<T: AsRef<[u8]>>(named: &str, target: fn(&[u8]), corpus: &[T]) {
    if let Some(seeds) = std::env::var_os("TIDEGATE_FUZZ_SEEDS") {
        let folder = Path::new(&seeds).join(named);
        fs::create_dir_all(&folder).expect("a folder for seeds");
        for (at, text) in corpus.iter().enumerate() {
            let name = format!("seed-{at}-of-{}-bytes", text.as_ref().len());
            fs::write(folder.join(name), text).expect("a seed");
        }
    }
    let seed = number("TIDEGATE_FUZZ_SEED").unwrap_or(1);
    let mut chance = Chance(seed);
    let words: Vec<&str> = WORDS.split('|').collect();
    let rounds = number("TIDEGATE_FUZZ_ROUNDS").unwrap_or(ROUNDS);
    let made = (0..rounds).map(|_| chance.changed(corpus, &words));
    for text in corpus.iter().map(|text| text.as_ref().to_vec()).chain(made) {
        let ran = catch_unwind(AssertUnwindSafe(|| target(&text)));
        assert!(ran.is_ok(), "seed {seed}: b\"{}\"", text.escape_ascii());
    }
}
