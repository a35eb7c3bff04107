//! tmp
use atex_core::*;
use atex_exec::FmfExecutor;
use atex_provision::Local;
use std::sync::Arc;
use std::time::Instant;
#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let name = TestName::new("/t").unwrap();
    let suite = TestSuite::new([(name.clone(), Test::new("true"))]);
    let p = Local::new();
    let r = p.provision(&Request::new("x")).await.unwrap();
    let c = CancellationToken::new();
    let mut s = FmfExecutor::new(suite).start(Arc::clone(r.connection()), &c).await.unwrap();
    let mut times = vec![];
    for i in 0..60 {
        let t = Instant::now();
        s.run(&name, &Artifacts::at(dir.path().join(i.to_string())).unwrap(), &c).await.unwrap();
        times.push(t.elapsed());
    }
    times.sort();
    println!("min {:?} median {:?} p90 {:?}", times[0], times[30], times[54]);
    s.stop().await.unwrap();
    p.shutdown().await.unwrap();
}
