//! Smaller versions of a generated tree: each lacks one file, key, item or wish of the original.

use serde_json::Value;

/// Every version of `case` that lacks one part, those that lack much first; its name stays.
pub(super) fn candidates(case: &Value) -> Vec<Value> {
    let mut paths = Vec::new();
    parts(case, &mut Vec::new(), &mut paths);
    paths.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    paths.into_iter().map(|(path, _)| without(case, &path)).collect()
}

/// One step into a value.
#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Index(usize),
}

/// Where each part is, and how large it is.
fn parts(value: &Value, path: &mut Vec<Step>, found: &mut Vec<(Vec<Step>, usize)>) {
    let inner: Vec<(Step, &Value)> = match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| (Step::Key(key.clone()), value)).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, value)| (Step::Index(index), value)).collect()
        }
        _ => Vec::new(),
    };
    for (step, value) in inner {
        let fixed = path.is_empty()
            && matches!(&step, Step::Key(key) if key == "name" || key == "metadata");
        path.push(step);
        if !fixed {
            found.push((path.clone(), value.to_string().len()));
        }
        parts(value, path, found);
        path.pop();
    }
}

fn without(case: &Value, path: &[Step]) -> Value {
    let mut smaller = case.clone();
    let Some((last, way)) = path.split_last() else { return smaller };
    let mut at = &mut smaller;
    for step in way {
        at = match step {
            Step::Key(key) => &mut at[key],
            Step::Index(index) => &mut at[index],
        };
    }
    match (last, at) {
        (Step::Key(key), Value::Object(map)) => {
            map.shift_remove(key);
        }
        (Step::Index(index), Value::Array(items)) => {
            items.remove(*index);
        }
        _ => {}
    }
    smaller
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_part_is_left_out_once_the_large_ones_first() {
        let case = json!({"name": "7", "metadata": {"main.fmf": {"a": [1, 2]}}, "adjust": [1]});
        let smaller: Vec<String> = candidates(&case).iter().map(Value::to_string).collect();
        insta::assert_snapshot!(smaller.join("\n"), @r#"
        {"name":"7","metadata":{},"adjust":[1]}
        {"name":"7","metadata":{"main.fmf":{}},"adjust":[1]}
        {"name":"7","metadata":{"main.fmf":{"a":[1,2]}}}
        {"name":"7","metadata":{"main.fmf":{"a":[2]}},"adjust":[1]}
        {"name":"7","metadata":{"main.fmf":{"a":[1]}},"adjust":[1]}
        {"name":"7","metadata":{"main.fmf":{"a":[1,2]}},"adjust":[]}
        "#);
    }
}
