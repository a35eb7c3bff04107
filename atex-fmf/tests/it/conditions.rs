//! Conditions: what Python says about the same expressions.

use atex_fmf::{Condition, Value};

const DATA: &str = "
test: ./x.sh
tag: [fast, net]
tier: '2'
level: 3
ratio: 0.5
enabled: true
manual: false
nothing: ~
environment: {FOO: bar, N: 1}
execute: {how: tmt}
day: 2020-01-01
";

/// The answer to an expression: its truth, or the kind of error.
fn answer(condition: &str) -> String {
    let data = Value::from_yaml(DATA).unwrap();
    let result = Condition::parse(condition).and_then(|c| c.evaluate(data.as_map().unwrap()));
    result.map_or_else(|error| format!("{:?}", error.kind()), |truth| truth.to_string())
}

fn check(table: &[(&str, &str)]) {
    let wrong: Vec<String> = table
        .iter()
        .filter(|(condition, expected)| answer(condition) != *expected)
        .map(|(condition, expected)| {
            format!("{condition}: {} instead of {expected}", answer(condition))
        })
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn idioms_that_people_write() {
    check(&[
        ("execute['how'] == 'tmt'", "true"),
        ("environment['FOO'] == 'BAR'", "false"),
        ("environment['NOPE'] == 'BAR'", "Filter"),
        ("'enabled' not in locals() or enabled", "true"),
        ("'tag' in globals() and len(tag) > 1", "true"),
        ("tier in ['1', '2']", "true"),
        ("tier is not None and int(tier) > 0", "true"),
        ("float(level) >= 7", "false"),
        ("manual is False", "true"),
        ("nope", "Filter"),
        ("nope is None", "Filter"),
        ("any(t.startswith('f') for t in tag)", "true"),
        ("all('e' in t for t in tag if t != 'fast')", "true"),
        ("__import__('re').search('^\\\\./', test)", "true"),
        ("str(tier) in '12'", "true"),
        ("environment.get('FOO', '') and environment.get('X') is None", "true"),
        ("isinstance(tag, list) and not isinstance(tag, (str, dict))", "true"),
        ("sorted(tag, reverse=True)[0] == 'net'", "true"),
        ("[k for k, v in environment.items() if v == 1] == ['N']", "true"),
        ("test.rsplit('.', 1)[1] == 'sh'", "true"),
        ("environment[1:]", "Filter"),
    ]);
}

#[test]
fn texts_are_split_a_limited_number_of_times() {
    check(&[
        ("'a/b/c'.split('/', 1) == ['a', 'b/c']", "true"),
        ("'a/b/c'.rsplit('/', 1) == ['a/b', 'c']", "true"),
        ("'a/b/c'.split('/', 0) == ['a/b/c']", "true"),
        ("'a/b/c'.split('/', -1) == ['a', 'b', 'c']", "true"),
        ("' a  b c '.split(None, 1) == ['a', 'b c ']", "true"),
        ("' a  b c '.rsplit(None, 1) == [' a  b', 'c']", "true"),
        ("' a b '.split(None, 0) == ['a b ']", "true"),
        ("' a b '.rsplit(None, 0) == [' a b']", "true"),
        ("'  '.split(None, 1) == []", "true"),
        ("'//'.split('/', 1) == ['', '/']", "true"),
        ("''.split('/', 1) == ['']", "true"),
        ("''.rsplit(None, 3) == []", "true"),
        ("' a b '.split(None, 2) == ['a', 'b']", "true"),
        ("' a b c'.rsplit(None, 2) == [' a', 'b', 'c']", "true"),
        ("'a'.split('', 1)", "Value"),
    ]);
}

#[test]
fn operators_as_python_has_them() {
    check(&[
        ("1 < level <= 3 < 4", "true"),
        ("3 < level < 1", "false"),
        ("-7 // 2 == -4 and -7 % 3 == 2 and 7 % -3 == -2", "true"),
        ("2 ** 3 == 8 and 2 ** -1 == 0.5 and -2 ** 2 == -4", "true"),
        ("1 == 1.0 == True and 1 != '1'", "true"),
        ("not 0 and not '' and not [] and not None and not {}", "true"),
        ("'a' if nothing else 'b' == 'b'", "true"),
        ("test[2:-3] == 'x' and test[::-1] == 'hs.x/.'", "true"),
        ("tag[-1] == 'net'", "true"),
        ("tag[5]", "Lookup"),
        ("tag + ['x'] == ['fast', 'net', 'x']", "true"),
        ("{1, 2} & {2, 3} == {2} and {1} < {1, 2}", "true"),
        ("99999999999999999999 + 1 == 100000000000000000000", "true"),
        ("level / 0", "Value"),
        ("level + tier", "Type"),
        ("level < tier", "Type"),
        ("1 in level", "Type"),
        ("level()", "Type"),
        ("'a' 'b' == 'ab' and r'\\d' == '\\\\d' and '\\x41' == 'A'", "true"),
        ("0x1F == 31 and 1_000 == 1000 and 1e3 == 1000.0 and .5 == ratio", "true"),
        ("[x for x in tag][0:1] == ['fast'] and (1,) + (2,) == (1, 2)", "true"),
        ("max(1, 2, 3) == 3 and min([3, 1]) == 1 and sum([1, 2]) == 3 and abs(-1) == 1", "true"),
    ]);
}

#[test]
fn what_is_not_supported_is_an_error_and_never_silently_false() {
    check(&[
        ("open('/etc/passwd')", "Unsupported"),
        ("__import__('os').system('true')", "Unsupported"),
        ("test.__class__", "Unsupported"),
        ("lambda: 1", "Unsupported"),
        ("f'{level:.2f}'", "Unsupported"),
        ("f'{level:{level}}'", "Unsupported"),
        ("f'{level=}'", "Unsupported"),
        ("f'{tag:5}'", "Unsupported"),
        ("'{0[0]}'.format(tag)", "Unsupported"),
        ("'%x' % level", "Unsupported"),
        ("'%.2f' % ratio", "Unsupported"),
        ("str == type(tier)", "Unsupported"),
        ("type(tier)('1')", "Unsupported"),
        ("max(*tag)", "Unsupported"),
        ("{**environment}", "Unsupported"),
        ("tag.append('x')", "Unsupported"),
        ("tier is '2'", "Unsupported"),
        ("level << 2", "Unsupported"),
        ("a b", "Syntax"),
        ("", "Syntax"),
        ("level =", "Syntax"),
        ("(1", "Syntax"),
        ("'x", "Syntax"),
        ("import os", "Syntax"),
        ("1 if 2", "Syntax"),
    ]);
}

#[test]
fn texts_with_values_in_them() {
    check(&[
        ("f'tier-{tier}' in ['tier-2']", "true"),
        ("f\"{environment['FOO']}-{level + 1}\" == 'bar-4'", "true"),
        (
            "f'{tag} {nothing} {enabled} {ratio} {day}' == \"['fast', 'net'] None True 0.5 2020-01-01\"",
            "true",
        ),
        (
            "f'{level:03}|{level:03d}|{-5:04d}|{level:4}|{tier:4}|' == '003|003|-005|   3|2   |'",
            "true",
        ),
        ("f'{level:>4}|{tier:<3}|{tier:^5}|{tier:*>3}' == '   3|2  |  2  |**2'", "true"),
        ("f'{tier!r}{tier!r:>5}' == \"'2'  '2'\" and f'{{{level}}}' == '{3}' and not f''", "true"),
        ("f'{level != 3}{ {1: 2}[1] }' == 'False2'", "true"),
        ("'a' f'{level}' 'b' f'c' rf'\\d' == 'a3bc\\\\d' and f\"{f'{level}'}\" == '3'", "true"),
        ("f'{tier:d}'", "Unsupported"),
        ("f'{nope}'", "Filter"),
        ("f'{'", "Syntax"),
        ("f'{}'", "Syntax"),
        ("f'}'", "Syntax"),
        ("'%s-%d-%r-%i%%' % (tier, level, tier, True) == \"2-3-'2'-1%\"", "true"),
        (
            "'%5d|%-5d|%05d|%5s|%-3s' % (3, 3, -3, tier, tier) == '    3|3    |-0003|    2|2  '",
            "true",
        ),
        (
            "'%(FOO)s' % environment == 'bar' and '%d' % -3.9 == '-3' and '%s' % tag == \"['fast', 'net']\"",
            "true",
        ),
        ("'x' % [] == 'x' % {} == 'x' % () == 'x'", "true"),
        ("'%(X)s' % environment", "Lookup"),
        ("'%d' % tier", "Type"),
        ("'%s %s' % tier", "Type"),
        ("'%s' % (1, 2)", "Type"),
        ("'x' % 1", "Type"),
        ("'%' % 1", "Value"),
        ("'{} {}{{}}'.format(1, tier) == '1 2{}' and '{1}{0}'.format(1, 2) == '21'", "true"),
        ("'{x:>3}|{x!r}'.format(x=tier) == \"  2|'2'\"", "true"),
        ("'{}'.format()", "Lookup"),
        ("'{0}{}'.format(1, 2)", "Value"),
        ("'{}{0}'.format(1, 2)", "Value"),
        ("'7'.zfill(3) + '-7'.zfill(4) + ''.zfill(1) == '007-0070'", "true"),
        ("tier.zfill(2) == '02'", "true"),
        ("'a'.zfill('2')", "Type"),
        ("'a'.zfill(99999999)", "Limit"),
        ("f'{tier:99999999}'", "Limit"),
        ("'%s' * 50000 % ((test * 10000,) * 50000)", "Limit"),
    ]);
}

#[test]
fn types_dates_and_stars() {
    check(&[
        ("type(tier) == str and type(tag) is list and type(level) is not str", "true"),
        ("type(enabled) == int", "false"),
        ("type(tier) in (str, int) and type(tag) not in [str, int]", "true"),
        ("type(nothing).__name__ + type(day).__name__ + str.__name__ == 'NoneTypedatestr'", "true"),
        ("type(tier) == type('x') != 'str'", "Unsupported"),
        ("type(tier) == 'str'", "false"),
        ("isinstance(tier, type('a')) and type(tier)", "true"),
        ("type(tier) < str", "Type"),
        ("day.year == 2020 and (day.month, day.day) == (1, 1)", "true"),
        ("day.hour", "Unsupported"),
        ("[*tag, 'x'] == ['fast', 'net', 'x'] and (*tag,) == ('fast', 'net')", "true"),
        ("{*tag, *'ab'} == {'fast', 'net', 'a', 'b'} and [*environment] == ['FOO', 'N']", "true"),
        ("[*tag or 'x']", "Syntax"),
        ("[*level]", "Type"),
        ("(*tag)", "Syntax"),
        ("*tag,", "Syntax"),
        ("[*t for t in tag]", "Syntax"),
        ("{*tag: 1}", "Syntax"),
    ]);
}
