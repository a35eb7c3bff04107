//! Rules of inheritance, filters and contexts that hold for all data.

use atex_fmf::{Context, Filter, Key, Map, Rule, Tree, Value};
use proptest::prelude::*;

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        "[a-z]{0,4}".prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ]
}

fn maps() -> impl Strategy<Value = Map> {
    prop::collection::vec(("[a-h]", scalars()), 0..12)
        .prop_map(|entries| entries.into_iter().map(|(k, v)| (Key::from(k.as_str()), v)).collect())
}

fn lists() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(scalars(), 0..6)
}

fn nested(parent: &Map, child: Map) -> Tree {
    let mut root = parent.clone();
    root.insert("/child".into(), child.into());
    Tree::from_map(&root).unwrap()
}

fn keys(map: &Map) -> Vec<&str> {
    map.keys().filter_map(Key::as_str).collect()
}

proptest! {
    #[test]
    fn a_child_has_the_parents_keys_in_their_order_and_then_its_own(parent in maps(), child in maps()) {
        let tree = nested(&parent, child.clone());
        let data = tree.find("/child").unwrap().data();
        let mut expected = keys(&parent);
        expected.extend(keys(&child).into_iter().filter(|key| parent.get(*key).is_none()));
        prop_assert_eq!(keys(data), expected);
        for (key, value) in data.iter() {
            let wanted = child.get(key.value()).or(parent.get(key.value()));
            prop_assert_eq!(Some(value), wanted);
        }
        prop_assert_eq!(tree.top().data(), &parent);
    }

    #[test]
    fn appending_and_prepending_keep_every_item_in_order(base in lists(), more in lists()) {
        let parent: Map = [("l".into(), base.clone().into())].into_iter().collect();
        for (suffix, expected) in [("l+", [&base[..], &more].concat()), ("l+<", [&more[..], &base].concat())] {
            let child = [(suffix.into(), more.clone().into())].into_iter().collect();
            let tree = nested(&parent, child);
            let list = tree.find("/child").unwrap().get("l").cloned();
            prop_assert_eq!(list, Some(Value::from(expected)));
        }
    }

    #[test]
    fn subtracting_what_was_appended_leaves_nothing_of_it(base in lists(), more in lists()) {
        let child = [("l+".into(), more.clone().into()), ("l-".into(), more.clone().into())];
        let parent: Map = [("l".into(), base.clone().into())].into_iter().collect();
        let tree = nested(&parent, child.into_iter().collect());
        let expected: Vec<Value> = base.into_iter().filter(|item| !more.contains(item)).collect();
        prop_assert_eq!(tree.find("/child").unwrap().get("l").cloned(), Some(Value::from(expected)));
    }

    #[test]
    fn a_negated_filter_is_the_opposite(tags in prop::collection::vec("[a-c]{1,2}", 0..4), wanted in "[a-c]{1,2}") {
        let tags: Vec<Value> = tags.into_iter().map(Value::from).collect();
        let data: Map = [("tag".into(), tags.into())].into_iter().collect();
        let matches = |text: String, patterns| Filter::new(&text).with_patterns(patterns).matches(&data, None).unwrap();
        for patterns in [false, true] {
            let yes = matches(format!("tag: {wanted}"), patterns);
            prop_assert_eq!(matches(format!("tag: -{wanted}"), patterns), !yes);
            prop_assert_eq!(matches(format!("tag: {wanted} & tag: -{wanted}"), patterns), false);
            prop_assert_eq!(matches(format!("tag: {wanted} | tag: -{wanted}"), patterns), true);
        }
    }

    #[test]
    fn orders_of_versions_are_consistent(own in "x(-[0-9]{1,2}(\\.[0-9]{1,2})?)?", other in "x(-[0-9]{1,2}(\\.[0-9]{1,2})?)?") {
        let context = Context::new().with("d", [own.as_str()]);
        let decide = |operator: &str| {
            context.decide(&Rule::parse(&format!("d {operator} {other}")).unwrap()).unwrap()
        };
        prop_assert_eq!(decide("!="), decide("==").map(|equal| !equal));
        prop_assert_eq!(decide(">="), decide("<").map(|less| !less));
        prop_assert_eq!(decide("<="), decide(">").map(|greater| !greater));
        prop_assert_eq!(decide("~!="), decide("~=").map(|equal| !equal));
        if decide("==") == Some(true) {
            prop_assert_eq!(decide("<="), Some(true));
            prop_assert_eq!(decide(">="), Some(true));
        }
    }

    #[test]
    fn whatever_the_text_nothing_panics(text in "\\PC{0,40}", yaml in "[-a-c:{}\\[\\],&*!|>'\"#% \n\t?<~0-9./+]{0,60}") {
        let data: Map = [("a".into(), Value::from("x"))].into_iter().collect();
        drop(Rule::parse(&text).map(|rule| Context::new().with("a", ["x"]).decide(&rule)));
        drop(Filter::new(&text).with_patterns(true).matches(&data, Some("/n")));
        drop(atex_fmf::Condition::parse(&text).map(|condition| condition.evaluate(&data)));
        drop(Value::from_yaml(&text));
        if let Ok(Value::Map(map)) = Value::from_yaml(&yaml) {
            drop(Tree::from_map(&map));
        }
    }
}
