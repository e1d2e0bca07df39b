//! Keyed values in namespaces that live and die as a whole, such as the slices of a window operator.
//!
//! One table per namespace: a record touches the table of its own slice, a firing walks over whole
//! tables, and dropping a slice is one entry in the delta instead of a deletion for each key.

use super::delta::Delta;
use super::delta_writer::DeltaWriter;
use super::room::Room;
use super::table::{Changes, Table};
use super::{Frozen, Keyed, KeyedState, Value};
use crate::codec::DecodeError;
use crate::key::{Key, KeyGroupRange, MaxParallelism};
use std::collections::BTreeMap;

/// Values by namespace and key; namespaces are ordered.
#[derive(Clone, Debug)]
pub struct NamespacedState<N, K, V> {
    tables: BTreeMap<N, Table<K, V>>,
    /// Namespaces that an earlier capture holds and that were dropped since the last one.
    dropped: Vec<N>,
}

impl<N, K, V> Default for NamespacedState<N, K, V> {
    fn default() -> Self {
        Self { tables: BTreeMap::new(), dropped: Vec::new() }
    }
}

impl<N: Value + Ord, K: Key, V: Value> NamespacedState<N, K, V> {
    /// The table of `namespace`; made when there is none.
    pub fn table_mut(&mut self, namespace: N) -> &mut Table<K, V> {
        self.tables.entry(namespace).or_default()
    }

    /// The table of `namespace`, if there is one.
    #[must_use]
    pub fn table(&self, namespace: &N) -> Option<&Table<K, V>> {
        self.tables.get(namespace)
    }

    /// The value of a key in `namespace`.
    #[must_use]
    pub fn get(&self, namespace: &N, at: Keyed<'_, K>) -> Option<&V> {
        self.tables.get(namespace)?.get(at)
    }

    /// The namespaces in `range` with their tables, in order.
    pub fn range(
        &self,
        range: impl std::ops::RangeBounds<N>,
    ) -> impl DoubleEndedIterator<Item = (&N, &Table<K, V>)> {
        self.tables.range(range)
    }

    /// The first namespace.
    #[must_use]
    pub fn first(&self) -> Option<&N> {
        self.tables.keys().next()
    }

    /// Number of namespaces.
    #[must_use]
    pub fn namespaces(&self) -> usize {
        self.tables.len()
    }

    /// Forgets a namespace with all its keys.
    pub fn drop_namespace(&mut self, namespace: &N) {
        if self.tables.remove(namespace).is_some_and(|table| table.was_captured()) {
            self.dropped.push(namespace.clone());
        }
    }
}

struct FrozenNamespaces<N, K, V> {
    full: bool,
    dropped: Vec<N>,
    changes: Vec<(N, Changes<K, V>)>,
}

impl<N: Value, K: Key, V: Value> Frozen for FrozenNamespaces<N, K, V> {
    fn is_full(&self) -> bool {
        self.full
    }

    fn encode(self: Box<Self>, max_parallelism: MaxParallelism, into: &mut DeltaWriter<'_>) {
        for namespace in &self.dropped {
            let namespace = into.pack(namespace);
            into.drop_namespace(namespace);
        }
        for (namespace, changes) in &self.changes {
            let namespace = into.pack(namespace);
            changes.encode(&namespace, max_parallelism, into);
        }
    }
}

impl<N: Value + Ord + Sync, K: Key, V: Value> KeyedState for NamespacedState<N, K, V> {
    fn capture(&mut self, full: bool) -> Box<dyn Frozen> {
        // A base when all tables together are mostly dirty, or one of them has lost track.
        let mostly_dirty = self.tables.values().all(Table::mostly_dirty);
        let full = full || mostly_dirty || self.tables.values().any(Table::lost_track);
        let dropped = std::mem::take(&mut self.dropped);
        let mut changes = Vec::new();
        for (namespace, table) in &mut self.tables {
            if full || !table.is_clean() {
                changes.push((namespace.clone(), table.capture(full, &Room::default())));
            }
        }
        Box::new(FrozenNamespaces { full, dropped, changes })
    }

    fn restore(&mut self, delta: &Delta, groups: KeyGroupRange) -> Result<(), DecodeError> {
        let mut last: Option<(&[u8], N)> = None;
        delta.for_each(groups, |_, entry| {
            let namespace = match &last {
                Some((bytes, namespace)) if *bytes == entry.namespace => namespace.clone(),
                _ => delta.namespace(&entry)?,
            };
            let value = delta.value(&entry)?;
            self.table_mut(namespace.clone()).restore(&delta.key(&entry)?, value);
            last = Some((entry.namespace, namespace));
            Ok(())
        })?;
        self.tables.retain(|_, table| !table.is_empty());
        Ok(())
    }

    fn entries(&self) -> u64 {
        self.tables.values().map(|table| table.len() as u64).sum()
    }
}
