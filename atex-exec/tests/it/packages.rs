//! Packages that are wanted, installed by real package managers: by dnf and rpm from a repository of small packages, by apt from another.

use std::sync::Arc;
use std::time::Duration;

use atex_core::{
    Artifacts, CancellationToken, Connection, ConnectionExt, Error, Executor, Failure, Fault,
    Phase, PhaseAction, Provisioner, Remote, Request, Test, TestName, TestSuite, Verdict,
};
use atex_exec::FmfExecutor;
use atex_exec::packages::{Wanted, install};
use atex_provision::testkit::{Podman, TestImage};
use atex_provision::{Containers, LocalConnection};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(300);

/// A container with a package manager, and what made it.
struct System {
    containers: Containers,
    remote: Arc<dyn Remote>,
}

impl System {
    async fn new(test: &str, image: TestImage) -> Option<Self> {
        let containers = Podman::many_for_test(test, image)?.containers();
        let remote = containers.provision(&Request::new("packages")).await.unwrap();
        Some(Self { containers, remote })
    }

    fn connection(&self) -> &Arc<dyn Connection> {
        self.remote.connection()
    }

    async fn install(&self, wanted: &Wanted) -> Result<(), Error> {
        install(&**self.connection(), wanted, LIMIT, &CancellationToken::new()).await
    }

    async fn refusal(&self, names: &[&str]) -> String {
        let error = self.install(&Wanted::new().require(names.iter().copied())).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Infra, "{error:?}");
        Failure::from(&error).message.replace(self.remote.name(), "NAME")
    }

    async fn script(&self, script: &str) -> String {
        self.connection().script(script, &[]).await.unwrap()
    }

    async fn end(self) {
        self.containers.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn dnf_installs_what_is_missing_and_only_that() {
    let Some(system) = System::new("dnf_installs_what_is_missing", TestImage::Dnf).await else {
        return;
    };
    // There already, as a package and as a file that no package has: dnf is not even started.
    system.install(&Wanted::new().require(["try-release", "/bin/bash"])).await.unwrap();
    assert_eq!(system.script("ls /var/log/dnf.log 2>/dev/null || true").await, "");
    let wanted = Wanted::new().require(["try-app", "try-release", "try-lib-api = 1"]);
    let wanted = wanted.recommend(["try-broken", "try-nope", "try-hello", "-y"]);
    system.install(&wanted).await.unwrap();
    assert_eq!(
        system.script("try-app; try-hello; rpm -q try-lib").await,
        "app\nhello 2.0\ntry-lib-1.0-1.noarch\n"
    );
    // One transaction for what is required, one for what is recommended.
    let count = "dnf -q history list | grep -c '| I'";
    assert_eq!(system.script(count).await, "2\n");
    system.install(&Wanted::new().require(["try-app"]).recommend(["try-lib"])).await.unwrap();
    assert_eq!(system.script(count).await, "2\n");
    system.end().await;
}

#[tokio::test]
async fn dnf_that_fails_is_told_with_its_own_words() {
    let Some(system) = System::new("dnf_that_fails_is_told", TestImage::Dnf).await else { return };
    let broken = system.refusal(&["try-lib", "try-broken"]).await;
    let expected = "`dnf -y install try-lib try-broken` on NAME exited with 1: ";
    assert!(broken.starts_with(expected), "{broken}");
    assert!(broken.contains("nothing provides try-nobody-provides-this"), "{broken}");
    let unknown = system.refusal(&["try-nope; touch /tmp/x $(touch /tmp/x)"]).await;
    assert!(unknown.contains("Unable to find a match: try-nope; touch"), "{unknown}");
    assert_eq!(
        system.script("ls /tmp; rpm -q try-lib || true").await,
        "package try-lib is not installed\n"
    );
    let option = system.refusal(&["-y"]).await;
    assert_eq!(option, "NAME: \"-y\" is no name of a package");
    // Somebody else recommends something all the same.
    let wanted = Wanted::new().require(["try-nope"]).recommend(["try-hello", "try-nowhere"]);
    assert!(matches!(system.install(&wanted).await, Err(Error::Failed { .. })));
    assert_eq!(system.script("rpm -q try-hello").await, "try-hello-2.0-1.noarch\n");
    system.end().await;
}

#[tokio::test]
async fn dnf_leaves_out_what_is_excluded_and_installs_in_the_end() {
    let Some(system) = System::new("dnf_leaves_out_what_is_excluded", TestImage::Dnf).await else {
        return;
    };
    let wanted = Wanted::new().require(["try-lib", "try-hello"]);
    system.install(&wanted.exclude(["try-hello", "try-release"])).await.unwrap();
    let there = "rpm -qa 'try-*' | sort";
    assert_eq!(system.script(there).await, "try-lib-1.0-1.noarch\ntry-release-9.0-1.noarch\n");
    // What others want is left out as well.
    system.script("rpm -e try-lib").await;
    let without = Wanted::new().require(["try-app"]).exclude(["try-lib"]);
    let error = Failure::from(&system.install(&without).await.unwrap_err()).message;
    assert!(error.contains("try-lib") && error.contains("exclude"), "{error}");
    let mut suite = TestSuite::new([]);
    let phase = |name: &str, action| Phase { name: name.to_owned(), action };
    let (packages, exclude) = (vec!["try-app".to_owned()], vec!["try-hello".to_owned()]);
    suite.finish = vec![
        phase("tools", PhaseAction::Install { packages, exclude }),
        phase("use", PhaseAction::Shell { scripts: vec!["try-app >/said".to_owned()] }),
    ];
    let cancel = CancellationToken::new();
    let executor = FmfExecutor::new(suite);
    let session = executor.start(Arc::clone(system.connection()), &cancel).await.unwrap();
    session.stop().await.unwrap();
    assert_eq!(system.script("cat /said").await, "app\n");
    system.end().await;
}

#[tokio::test]
async fn an_installation_is_cancelled_and_limited() {
    let Some(system) = System::new("an_installation_is_cancelled", TestImage::Dnf).await else {
        return;
    };
    let slow = Wanted::new().require(["try-slow"]);
    let cancel = CancellationToken::new();
    let cancelled = install(&**system.connection(), &slow, LIMIT, &cancel);
    let begun = async {
        system.script("until pgrep -x sleep >/dev/null; do :; done").await;
        cancel.cancel();
    };
    let both = async { tokio::join!(cancelled, begun).0 };
    let cancelled = tokio::time::timeout(LIMIT, both).await.expect("it never came to the script");
    assert!(matches!(cancelled, Err(Error::Cancelled)), "{cancelled:?}");
    system.script("while pgrep -x dnf >/dev/null; do :; done").await;
    let again = install(&**system.connection(), &slow, LIMIT, &cancel).await;
    assert!(matches!(again, Err(Error::Cancelled)), "{again:?}");
    let cancel = CancellationToken::new();
    let late = install(&**system.connection(), &slow, Duration::ZERO, &cancel);
    let late = late.await.unwrap_err();
    assert!(late.to_string().starts_with("installing packages on atex-packages-"), "{late}");
    system.end().await;
}

/// Makes a repository of small packages, which is the only one.
const REPOSITORY: &str = r#"
mkdir -p /opt/packages && cd /opt/packages
make() { # NAME [FIELD]
    mkdir -p "$1/DEBIAN"
    printf 'Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n' "$1" >control
    [ -z "$2" ] || echo "$2" >>control
    echo "Description: $1" >>control
    cp control "$1/DEBIAN/control" && dpkg-deb --build "$1" "$1.deb" >/dev/null
    { cat control; echo "Filename: ./$1.deb"; echo "Size: $(stat -c %s "$1.deb")"
      echo "SHA256: $(sha256sum "$1.deb" | cut -d' ' -f1)"; echo; } >>Packages
}
set -e
make try-lib; make try-app 'Depends: try-lib'; make try-broken 'Depends: try-nobody'; make try-extra
rm -rf /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/opt/packages ./' >/etc/apt/sources.list
"#;

#[tokio::test]
async fn apt_installs_what_is_missing_and_tells_why_it_cannot() {
    let Some(system) = System::new("apt_installs_what_is_missing", TestImage::Plain).await else {
        return;
    };
    system.script(REPOSITORY).await;
    let lists = "ls /var/lib/apt/lists | grep -c Packages || true";
    system.install(&Wanted::new().require(["bash", "/bin/tar"])).await.unwrap();
    assert_eq!(system.script(lists).await, "0\n");
    let wanted = Wanted::new().require(["try-app", "bash"]).recommend(["try-broken", "try-extra"]);
    system.install(&wanted).await.unwrap();
    let there = "dpkg-query -W -f='${Package} ${db:Status-Status}\\n' 'try-*'";
    assert_eq!(
        system.script(there).await,
        "try-app installed\ntry-extra installed\ntry-lib installed\n"
    );
    let unknown = system.refusal(&["try-nope"]).await;
    assert!(unknown.contains("Unable to locate package try-nope"), "{unknown}");
    let broken = system.refusal(&["try-broken"]).await;
    assert!(broken.contains("try-broken : Depends: try-nobody"), "{broken}");
    // What is there stays, though to apt the word for leaving out is that for removing.
    system.script("dpkg -r try-app try-lib >/dev/null").await;
    let without = Wanted::new().require(["try-app"]).exclude(["try-lib", "try-extra"]);
    let error = Failure::from(&system.install(&without).await.unwrap_err()).message;
    assert!(error.contains("try-app : Depends: try-lib"), "{error}");
    assert_eq!(system.script("dpkg-query -W -f='${Package}' 'try-extra'").await, "try-extra");
    // To apt, this removes it.
    let removes = system.refusal(&["try-app-"]).await;
    assert_eq!(removes, "NAME: \"try-app-\" is no name of a package");
    system.end().await;
}

#[tokio::test]
async fn nothing_is_installed_on_this_machine_itself() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("tmp")).unwrap();
    let connection = LocalConnection::new("here", root.path());
    let wanted = Wanted::new().require(["/bin/sh"]).recommend(["atex-no-such-package"]);
    let cancel = CancellationToken::new();
    install(&connection, &wanted, LIMIT, &cancel).await.unwrap();
    let wanted = wanted.require(["atex-no-such-package"]);
    let error = install(&connection, &wanted, LIMIT, &cancel).await.unwrap_err();
    let told = Failure::from(&error).message;
    assert!(told.starts_with("here: ") && told.contains("atex-no-such-package"), "{told}");
    assert_eq!(error.fault(), Fault::Infra);
}

fn test(script: &str, require: &[&str]) -> Test {
    let mut test = Test::new(script);
    test.metadata.insert("require".to_owned(), json!(require));
    test
}

/// What all tests need is installed at once; when that fails, only those tests suffer that need what cannot be had.
#[tokio::test]
async fn a_test_finds_what_it_requires() {
    let Some(system) = System::new("a_test_finds_what_it_requires", TestImage::Dnf).await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    let name = |name| TestName::new(name).unwrap();
    let mut beakerlib = test(". /usr/share/beakerlib/beakerlib.sh | grep beakerlib", &[]);
    beakerlib.metadata.insert("framework".to_owned(), json!("beakerlib"));
    let good = [
        ("/app", test("try-app", &["try-app"])),
        ("/hello", test("try-hello", &["try-hello"])),
        ("/beakerlib", beakerlib),
    ];
    let broken = ("/broken", test("true", &["try-broken"]));
    for (round, tests) in [good.to_vec(), [&good[..], &[broken]].concat()].into_iter().enumerate() {
        let suite = TestSuite::new(tests.into_iter().map(|(path, test)| (name(path), test)));
        let executor = FmfExecutor::new(suite.clone());
        let mut session = executor.start(Arc::clone(system.connection()), &cancel).await.unwrap();
        if round == 0 {
            // What they require, and beakerlib.
            assert_eq!(system.script("dnf -q history list | grep -c '| I'").await, "2\n");
            system.script("rpm -q try-app try-hello beakerlib-redhat").await;
        }
        for test in suite.tests.keys() {
            let artifacts =
                Artifacts::create(folder.path(), &format!("p{round}"), test.as_str(), 1).unwrap();
            let ran = session.run(test, &artifacts, &cancel).await;
            match (test.as_str(), ran) {
                ("/broken", Err(error)) => {
                    assert_eq!(error.fault(), Fault::Infra);
                    let told = Failure::from(&error).message;
                    assert!(told.contains("try-nobody-provides-this"), "{told}");
                }
                (_, Ok(outcome)) => assert_eq!(outcome.verdict, Verdict::Passed, "{test}"),
                (_, other) => panic!("{test}: {other:?}"),
            }
        }
        session.stop().await.unwrap();
        // Who has beakerlib is not asked for what comes with it.
        system.script("dnf -q -y remove beakerlib-redhat >/dev/null").await;
        let session = executor.start(Arc::clone(system.connection()), &cancel).await.unwrap();
        session.stop().await.unwrap();
        system.script("! rpm -q beakerlib-redhat").await;
        system.script("dnf -q -y remove try-app try-hello beakerlib >/dev/null").await;
    }
    system.end().await;
}
