//! A map with layers is like one without.

use indexmap::IndexMap;
use proptest::prelude::*;

use super::*;

/// A step: set, change, remove, keep some, or go on with a map that inherits from what there is.
#[derive(Debug, Clone)]
enum Step {
    Insert(u8, i64),
    Change(u8, i64),
    Remove(u8),
    Retain(u8),
    Inherit,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u8..24, any::<i64>()).prop_map(|(key, value)| Step::Insert(key, value)),
        2 => (0u8..24, any::<i64>()).prop_map(|(key, value)| Step::Change(key, value)),
        1 => (0u8..24).prop_map(Step::Remove),
        1 => (0u8..24).prop_map(Step::Retain),
        2 => Just(Step::Inherit),
    ];
    prop::collection::vec(step, 0..80)
}

fn take(map: Map, model: &mut IndexMap<String, i64>, step: Step) -> Map {
    let name = |key: u8| format!("k{key}");
    let mut map = map;
    match step {
        Step::Insert(key, value) => {
            let old = map.insert(name(key).as_str().into(), value.into());
            assert_eq!(old, model.insert(name(key), value).map(Value::from));
        }
        Step::Change(key, value) => {
            let known = map.get_mut(name(key).as_str()).map(|old| *old = value.into());
            assert_eq!(known, model.get_mut(&name(key)).map(|old| *old = value));
        }
        Step::Remove(key) => {
            let old = map.remove(name(key).as_str());
            assert_eq!(old, model.shift_remove(&name(key)).map(Value::from));
        }
        Step::Retain(key) => {
            map.retain(|own| own.as_str() != Some(&name(key)));
            model.retain(|own, _| *own != name(key));
        }
        Step::Inherit => map = Map::inheriting(&Arc::new(map)),
    }
    map
}

proptest! {
    #[test]
    fn a_map_that_inherits_is_like_one_that_does_not(steps in steps()) {
        let (mut map, mut model) = (Map::new(), IndexMap::new());
        for step in steps {
            map = take(map, &mut model, step);
            let found: Vec<_> = map.iter().map(|(k, v)| (k.as_str().unwrap().to_owned(), v.clone())).collect();
            let wanted: Vec<_> = model.iter().map(|(k, v)| (k.clone(), Value::from(*v))).collect();
            prop_assert_eq!(found, wanted);
            prop_assert_eq!((map.len(), map.is_empty()), (model.len(), model.is_empty()));
            prop_assert!(model.iter().all(|(key, value)| map.get(key.as_str()) == Some(&Value::from(*value))));
        }
    }
}

#[test]
fn an_entry_takes_four_words() {
    // A tree has tens of thousands of them: this is most of its memory.
    assert_eq!(size_of::<Value>(), 16);
    assert_eq!(size_of::<Entry>(), 32);
}

/// What is written about one node: keys with suffixes, each with a list of one word.
fn written() -> impl Strategy<Value = Map> {
    let key = (0u8..6, prop::sample::select(vec!["", "", "", "+", "+<", "-"]));
    let entries = prop::collection::vec((key, 0u8..4), 1..6);
    entries.prop_map(|entries| {
        let entry = |((key, suffix), word): ((u8, &str), u8)| {
            let words = vec![Value::from(format!("w{word}"))];
            (Key::from(format!("k{key}{suffix}").as_str()), Value::from(words))
        };
        entries.into_iter().map(entry).collect()
    })
}

fn merge(target: &mut Map, source: &Map) {
    crate::merge::Merger::new("/node", &mut Default::default()).merge(target, source).unwrap();
}

fn shown(map: &Map) -> Vec<(String, Value)> {
    map.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), value.clone())).collect()
}

proptest! {
    #[test]
    fn data_that_share_what_is_written_are_like_data_that_do_not(
        nodes in prop::collection::vec((written(), prop::option::of(written())), 1..9)
    ) {
        let (mut data, mut flat) = (Arc::new(Map::new()), Map::new());
        for (own, rule) in nodes {
            let own = Arc::new(own);
            let mut next = Map::inheriting_with(&data, &own);
            merge(&mut next, &own);
            merge(&mut flat, &own);
            prop_assert_eq!(shown(&next), shown(&flat));
            data = Arc::new(next);
            if let Some(rule) = rule {
                // Every other time somebody else has the data too, as the nodes below have.
                let _child = (rule.len() % 2 == 0).then(|| Arc::clone(&data));
                merge(Map::to_mut(&mut data), &rule);
                merge(&mut flat, &rule);
            }
            prop_assert_eq!(shown(&data), shown(&flat));
            prop_assert_eq!((data.len(), data.is_empty()), (flat.len(), flat.is_empty()));
            prop_assert!(flat.iter().all(|(key, value)| data.get(key.value()) == Some(value)));
            prop_assert!(own.keys().all(|key| data.contains_key(key.value()) == flat.contains_key(key.value())));
        }
    }
}
