//! Packed CBOR held against plain CBOR, against what has changed since it was written, and against rubbish.

use super::super::{from_cbor, to_cbor};
use super::*;
use ciborium::Value;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

fn pack<T: Serialize + ?Sized>(value: &T) -> (Vec<u8>, Shapes) {
    let (mut packer, mut bytes) = (Packer::default(), Vec::new());
    packer.write(value, &mut bytes);
    (bytes, packer.shapes())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Leaf {
    #[serde(with = "bytes")]
    raw: Vec<u8>,
    tall: u128,
    deep: i128,
    note: String,
    letter: char,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    maybe: Option<f32>,
    nothing: (),
}

/// Bytes as such, not as a list of numbers.
mod bytes {
    use serde::{Deserializer, Serializer, de::Visitor};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        from.deserialize_byte_buf(Bytes)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(i64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Empty,
    Number(f64),
    Wrapped(Newtype),
    Pair(i32, Unit),
    Leaf(Box<Leaf>),
    Node { left: Option<Box<Tree>>, right: Vec<Tree>, flag: bool },
    Named(BTreeMap<String, Tree>),
    Loose(Loose),
    Any(Either),
}

/// Its fields stand in a map with those of another: their number is not known beforehand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Loose {
    id: u16,
    #[serde(flatten)]
    inner: Pair,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pair {
    one: i8,
    other: (u8, u64),
}

/// What is tried in turn, from what the bytes say of themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Pair(Pair),
    List(Vec<Pair>),
    Text(String),
}

fn pair() -> impl Strategy<Value = Pair> {
    (any::<i8>(), any::<(u8, u64)>()).prop_map(|(one, other)| Pair { one, other })
}

fn leaf() -> impl Strategy<Value = Leaf> {
    let parts = (
        vec(any::<u8>(), 0..40),
        any::<u128>(),
        any::<i128>(),
        ".{0,30}",
        any::<char>(),
        proptest::option::of(-1e9f32..1e9),
    );
    parts.prop_map(|(raw, tall, deep, note, letter, maybe)| Leaf {
        raw,
        tall,
        deep,
        note,
        letter,
        maybe,
        nothing: (),
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    let either = prop_oneof![
        pair().prop_map(Either::Pair),
        vec(pair(), 0..3).prop_map(Either::List),
        ".{0,9}".prop_map(Either::Text),
    ];
    let end = prop_oneof![
        Just(Tree::Empty),
        any::<f64>().prop_filter("equal to itself", |n| !n.is_nan()).prop_map(Tree::Number),
        any::<i64>().prop_map(|n| Tree::Wrapped(Newtype(n))),
        any::<i32>().prop_map(|n| Tree::Pair(n, Unit)),
        leaf().prop_map(|leaf| Tree::Leaf(Box::new(leaf))),
        (any::<u16>(), pair()).prop_map(|(id, inner)| Tree::Loose(Loose { id, inner })),
        either.prop_map(Tree::Any),
    ];
    end.prop_recursive(5, 60, 5, |tree| {
        let node = (proptest::option::of(tree.clone()), vec(tree.clone(), 0..4), any::<bool>());
        prop_oneof![
            node.prop_map(|(left, right, flag)| Tree::Node {
                left: left.map(Box::new),
                right,
                flag
            }),
            btree_map("[a-c]{0,2}", tree, 0..4).prop_map(Tree::Named),
        ]
    })
}

proptest! {
    #[test]
    fn values_come_back_and_mean_what_plain_cbor_means(trees in vec(tree(), 1..6)) {
        // One packer for all: shapes are guessed, wrongly too.
        let mut packer = Packer::default();
        let packed: Vec<Vec<u8>> = trees
            .iter()
            .map(|tree| {
                let mut bytes = Vec::new();
                packer.write(tree, &mut bytes);
                bytes
            })
            .collect();
        let shapes = packer.shapes();
        for (tree, bytes) in trees.iter().zip(&packed) {
            prop_assert_eq!(&shapes.read::<Tree>(bytes)?, tree);
            let plain: Value = from_cbor(&to_cbor(tree))?;
            prop_assert_eq!(shapes.read::<Value>(bytes)?, plain, "to who knows no type");
            prop_assert!(shapes.read::<Tree>(&bytes[..bytes.len() - 1]).is_err(), "cut short");
        }
    }

    #[test]
    fn what_has_no_struct_is_the_same_in_plain_cbor(
        value in (any::<(u8, i16, u32, i64, f32, f64, bool)>(), ".{0,300}", vec(any::<i128>(), 0..30)),
    ) {
        let (bytes, shapes) = pack(&value);
        prop_assert_eq!(&bytes, &to_cbor(&value));
        prop_assert_eq!(shapes, Shapes::default());
    }

    #[test]
    fn rubbish_is_an_error_or_a_value(
        tree in tree(),
        flips in vec(any::<(prop::sample::Index, u8)>(), 1..4),
        rubbish in vec(any::<u8>(), 0..60),
    ) {
        let (mut bytes, shapes) = pack(&tree);
        for (at, by) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= by;
        }
        for bytes in [&bytes, &rubbish] {
            let _ = shapes.read::<Tree>(bytes);
            let _ = shapes.read::<Value>(bytes);
        }
    }
}

#[test]
fn names_are_said_once() {
    let pairs: Vec<Pair> = (0..100).map(|n| Pair { one: 1, other: (2, n % 20) }).collect();
    let (bytes, shapes) = pack(&pairs);
    // Tag, array, and in it an integer and an array of two.
    assert_eq!(bytes.len(), 2 + 100 * (5 + 1 + 1 + 3));
    let names: Vec<&Vec<String>> = shapes.0.values().collect();
    assert_eq!(names, [&["one", "other"]]);
}

#[test]
fn fields_may_come_go_move_and_be_renamed_as_in_plain_cbor() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Later {
        #[serde(default)]
        added: u8,
        other: (u8, u64),
        #[serde(alias = "one")]
        renamed: i8,
    }
    let (bytes, shapes) = pack(&Pair { one: -3, other: (1, 2) });
    let later: Later = shapes.read(&bytes).expect("compatible");
    assert_eq!(later, Later { added: 0, other: (1, 2), renamed: -3 });

    #[derive(Debug, Deserialize)]
    struct Less {
        one: i8,
    }
    assert_eq!(shapes.read::<Less>(&bytes).expect("a field less").one, -3);

    #[derive(Debug, Deserialize)]
    struct Other {
        #[serde(rename = "another")]
        _another: u8,
    }
    let why = shapes.read::<Other>(&bytes).expect_err("no such field");
    assert_eq!(why, DecodeError::Content("missing field `another`".to_owned()));
}

#[test]
fn one_name_may_have_several_shapes() {
    // As generic structs have, and those that leave fields out.
    mod other {
        #[derive(serde::Serialize)]
        pub(super) struct Pair {
            pub(super) one: i8,
            pub(super) third: u8,
        }
    }
    let mut packer = Packer::default();
    let mut write = |value: &dyn Fn(&mut Packer, &mut Vec<u8>)| {
        let mut bytes = Vec::new();
        value(&mut packer, &mut bytes);
        bytes
    };
    let (ours, others) = (Pair { one: 1, other: (2, 3) }, other::Pair { one: 1, third: 2 });
    for _ in 0..3 {
        let bytes = write(&|packer, out| packer.write(&ours, out));
        assert_eq!(bytes, pack(&ours).0);
        let bytes = write(&|packer, out| packer.write(&others, out));
        assert_eq!(bytes, pack(&others).0);
    }
    assert_eq!(packer.shapes().0.len(), 2, "each is known once");
}

#[test]
fn a_tag_stands_for_one_shape_only() {
    let shapes = |names: &[&str]| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Shapes(BTreeMap::from([(TAGS.start, names)]))
    };
    let mut all = shapes(&["a", "b"]);
    assert_eq!(all.add(&shapes(&["a", "b"])), Ok(()));
    let why = all.add(&shapes(&["c"])).expect_err("another shape");
    let said = "structs of fields [a, b] and [c] have one tag, 2147483648";
    assert_eq!(why, DecodeError::Content(said.to_owned()));
}

#[test]
fn what_a_struct_says_of_itself_must_be_true() {
    struct Liar(usize);
    impl Serialize for Liar {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeStruct;
            let mut fields = to.serialize_struct("Liar", 2)?;
            for name in ["a", "b", "c"].into_iter().take(self.0) {
                fields.serialize_field(name, &1)?;
            }
            fields.end()
        }
    }
    let mut known = Vec::new();
    let mut write = |fields| {
        let liar = Liar(fields).serialize(&mut Writer::new(&mut Vec::new(), &mut known));
        liar.map_err(|why| why.to_string())
    };
    let lie = |has| Err(format!("`Liar` says that it has 2 fields, and has {has}"));
    // Before and after the shape that is true is known.
    for _ in 0..2 {
        assert_eq!(write(1), lie(1));
        assert_eq!(write(3), lie(3));
        assert_eq!(write(2), Ok(()));
    }
}

#[test]
fn tags_of_other_meaning_are_refused() {
    let tagged = Value::Tag(32, Box::new(Value::Text("https://example.com".to_owned())));
    let why = tagged
        .serialize(&mut Writer::new(&mut Vec::new(), &mut Vec::new()))
        .expect_err("it could not be read");
    assert_eq!(why.to_string(), "state cannot hold tagged CBOR");
    let read = Shapes::default().read::<Value>(&to_cbor(&tagged));
    assert_eq!(read, Err(DecodeError::Content("unknown tag 32".to_owned())));
}

#[test]
fn what_never_ends_is_told_before_the_stack_or_memory_does() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Endless(Option<Box<Endless>>);
    let deep = Err(DecodeError::Content("values within values, too deep".to_owned()));
    let shapes = pack(&Pair { one: 1, other: (2, 3) }).1;
    assert_eq!(shapes.read::<Value>(&[0x81; 100_000]), deep.clone().map(|()| Value::Null));
    assert_eq!(shapes.read::<Value>(&[0x9f; 100_000]), deep.clone().map(|()| Value::Null));
    assert_eq!(shapes.read::<Endless>(&[0x01]), deep.map(|()| Endless(None)));
    for endless in [0x9b, 0xbb, 0x5b, 0x7b] {
        let bytes = [endless, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert!(shapes.read::<Vec<u64>>(&bytes).is_err());
        assert!(shapes.read::<Value>(&bytes).is_err());
    }
}

#[test]
fn more_than_was_asked_for_is_an_error() {
    let shapes = Shapes::default();
    let read = |value: &Value| shapes.read::<(u8, u8)>(&to_cbor(value));
    let numbers = |n: u8| Value::Array((0..n).map(Value::from).collect());
    assert_eq!(read(&numbers(2)), Ok((0, 1)));
    let more = DecodeError::Content("more elements than expected".to_owned());
    assert_eq!(read(&numbers(3)), Err(more));
    let follow = DecodeError::Content("1 bytes follow the value".to_owned());
    assert_eq!(shapes.read::<u8>(&[1, 2]), Err(follow));
    assert_eq!(shapes.read::<u8>(&[]), Err(DecodeError::Truncated));
}
