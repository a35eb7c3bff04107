//! Hostile metadata: refused in time, with an error, without a crash.

use atex_fmf::{Condition, ErrorKind, Filter, Map, Rule, Tree, Value};

use crate::sample::Sample;

fn kind(text: &str) -> Option<ErrorKind> {
    Value::from_yaml(text).err().map(|error| error.kind())
}

#[test]
fn deep_nesting_is_refused() {
    assert_eq!(
        kind(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
        Some(ErrorKind::Limit)
    );
    assert_eq!(kind(&format!("{}x\n", "- ".repeat(100_000))), Some(ErrorKind::Limit));
    assert_eq!(kind(&format!("{}{}", "[".repeat(200), "]".repeat(200))), None);
    let deep = format!("{}: {{a: 1}}\n", "/a".repeat(450));
    let sample = Sample::new(&[("main.fmf", &deep)]);
    assert_eq!(sample.open().unwrap_err().kind(), ErrorKind::Limit);
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let items = format!("*a{}, ", level - 1).repeat(10);
        text += &format!("a{level}: &a{level} [{items}]\n");
    }
    assert_eq!(kind(&text), Some(ErrorKind::Limit));
}

#[test]
fn merges_that_multiply_are_refused() {
    // Each level makes ten of each of the maps before.
    let ten = |inner: &str| format!("[{}]", [inner; 10].join(", "));
    let mut text = "a: {}\n".to_owned();
    let mut path = String::new();
    for level in 0..12 {
        let nested = (0..level).rev().fold(ten("{k: {}}"), |inner, _| format!("{{k+: {inner}}}"));
        path += "/n";
        text += &format!("{path}:\n  a+: {nested}\n");
    }
    let sample = Sample::new(&[("main.fmf", &text)]);
    assert_eq!(sample.open().unwrap_err().kind(), ErrorKind::Limit);
}

#[test]
fn texts_and_lists_that_grow_without_end_are_refused() {
    let open = |text: &str| {
        let sample = Sample::new(&[("main.fmf", text)]);
        sample.open().map(|_| ()).map_err(|error| error.kind())
    };
    let long = "x".repeat(100_000);
    // A thousand times as long, and again, and again.
    let groups = "\\g<0>".repeat(1000);
    let longer = [format!("'/.+/{groups}/'").as_str(); 4].join(", ");
    assert_eq!(open(&format!("a: x\n/n:\n  a~: [{longer}]\n")), Err(ErrorKind::Limit));
    // A long text for each letter.
    assert_eq!(open(&format!("a: {long}\n/n:\n  a~: /x/{long}/\n")), Err(ErrorKind::Limit));
    // Many nodes, each with a long text of its own.
    let nodes: String = (0..4000).map(|n| format!("/n{n}: {{a+: y}}\n")).collect();
    assert_eq!(open(&format!("a: {long}\n{nodes}")), Err(ErrorKind::Limit));
}

#[test]
fn large_repetitions_in_patterns_are_refused() {
    let data: Map = [("a".into(), Value::from("abc"))].into_iter().collect();
    for pattern in ["(?:\\w{1000}){1000}", "((a{200}){200}){200}"] {
        let filter = Filter::new(&format!("a: {pattern}")).with_patterns(true);
        assert_eq!(filter.matches(&data, None).unwrap_err().kind(), ErrorKind::Pattern);
    }
}

#[test]
fn patterns_and_conditions_that_would_run_forever_are_refused() {
    let text = "ab".repeat(50);
    let data: Map = [("a".into(), Value::from(text))].into_iter().collect();
    let filter = Filter::new("a: (?:a\\|b\\|ab)*(?=c)").with_patterns(true);
    assert_eq!(filter.matches(&data, None).unwrap_err().kind(), ErrorKind::Limit);
    let condition =
        Condition::parse("any([x for x in range(100000) for y in range(100000) if x < 0])");
    let error = condition.unwrap().evaluate(&data).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    let error = Condition::parse(&"(".repeat(100_000)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    let error = Condition::parse(&format!("1{}", " + 1".repeat(10_000))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
}

#[test]
fn long_rules_and_filters_are_fine() {
    let rule = vec!["a == 1"; 20_000].join(" or ");
    assert!(Rule::parse(&rule).is_ok());
    let filter = Filter::new(&vec!["a: 2"; 20_000].join(" | "));
    let data: Map = [("a".into(), Value::from("1"))].into_iter().collect();
    assert!(!filter.matches(&data, None).unwrap());
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused_and_loops_end() {
    let sample = Sample::new(&[("a/b/x.fmf", "a: 1\n")]);
    std::os::unix::fs::symlink("/dev/zero", sample.path().join("zero.fmf")).unwrap();
    let error = sample.open().unwrap_err();
    insta::assert_snapshot!(sample.show(&error), @"File: failed to read 'ROOT/zero.fmf': it is not a regular file");
    std::fs::remove_file(sample.path().join("zero.fmf")).unwrap();
    std::os::unix::fs::symlink("..", sample.path().join("a/b/up")).unwrap();
    let tree = sample.open().unwrap();
    let names: Vec<_> = tree.climb(Default::default()).map(|node| node.name()).collect();
    assert_eq!(names, ["/a/b/up/b/x", "/a/b/x"]);
}

#[test]
fn files_over_the_limit_are_refused_without_reading_them() {
    let sample = Sample::new(&[("main.fmf", "a: 1\n")]);
    let file = std::fs::File::create(sample.path().join("big.fmf")).unwrap();
    file.set_len(200 * 1024 * 1024).unwrap();
    let error = sample.open().unwrap_err();
    insta::assert_snapshot!(sample.show(&error), @"File: failed to read 'ROOT/big.fmf': it is larger than 100 MiB");
}

#[test]
fn a_node_that_names_the_directory_it_is_in_does_not_loop() {
    let sample = Sample::new(&[]);
    sample.write("n.fmf", &format!("{}\n", sample.path().display()));
    assert_eq!(Tree::open(sample.path()).unwrap_err().kind(), ErrorKind::Limit);
}

#[test]
fn the_first_mistake_in_the_order_of_reading_is_reported_however_many_threads_read() {
    let sample = Sample::new(&[]);
    for number in 0..60 {
        let text = if number >= 20 { "a: [\n" } else { "a: 1\n" };
        sample.write(&format!("d{number:02}/main.fmf"), text);
    }
    for _ in 0..5 {
        let error = sample.open().unwrap_err();
        let path = &error.location().unwrap().path;
        assert!(path.ends_with("d20/main.fmf"), "{}", path.display());
    }
}

#[test]
fn a_long_chain_of_nodes_that_each_add_a_key_stays_fast_and_right() {
    let mut text = String::new();
    let mut path = String::new();
    for level in 0..300 {
        path += "/n";
        text += &format!("{path}:\n  k{level}: {level}\n  all+: [{level}]\n");
    }
    let sample = Sample::new(&[("main.fmf", &format!("all: []\n{text}"))]);
    let tree = sample.open().unwrap();
    let data = tree.find(&path).unwrap().data();
    assert_eq!(data.len(), 301);
    assert_eq!(data.get("k7"), Some(&Value::from(7)));
    assert_eq!(data.get("all").unwrap().as_list().unwrap().len(), 300);
}
