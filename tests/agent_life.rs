//! The life of members on real sockets, many in one process: they join, change, broadcast, leave, crash and return.

#![cfg(feature = "agent")]

pub mod agents;

use std::time::Duration;

use agents::{cluster, names, quick, within};
use swimlab::agent::{Agent, AgentEvent, CommandError, ExitReason, MemberChange, MemberInfo, id_of};
use swimlab::protocol::{NodeInfo, Status};
use swimlab_selectors::{Bound, Context, DynSelector, Peer, Selector, Slot};

#[tokio::test]
async fn ten_members_that_join_at_once_know_each_other() {
    let agents = cluster(10).await;
    within(10, "all know all", async || agents::all_know(&agents, 10).await).await;
}

#[tokio::test]
async fn a_member_that_leaves_is_recorded_as_left_and_never_suspected() {
    let agents = cluster(5).await;
    within(10, "all know all", async || agents::all_know(&agents, 5).await).await;
    let mut events = agents[0].events();
    agents[4].leave().await;
    assert_eq!(agents[4].ended().await, ExitReason::Left);
    let left = events.next().await;
    assert!(matches!(&left, Some(AgentEvent::Member(MemberChange::Left, member)) if member.name() == "m4"), "{left:?}");
    let state = async |agent: &Agent| {
        let members = agent.members().await.unwrap();
        members.iter().find(|member| member.name() == "m4").map(|member| member.state)
    };
    within(10, "all know it", async || {
        let mut know = true;
        for agent in &agents[..4] {
            know &= state(agent).await == Some(Status::Left);
        }
        know
    })
    .await;
}

#[tokio::test]
async fn a_crashed_member_is_suspected_and_then_dead_at_all_members() {
    let agents = cluster(5).await;
    within(10, "all know all", async || agents::all_know(&agents, 5).await).await;
    let mut events = agents[0].events();
    agents[4].stop().await;
    for expected in [MemberChange::Suspected, MemberChange::Died] {
        let event = tokio::time::timeout(Duration::from_secs(20), events.next()).await.unwrap();
        assert!(matches!(&event, Some(AgentEvent::Member(change, _)) if *change == expected), "{event:?}");
    }
    within(10, "all know it", async || agents::all_know(&agents[..4], 4).await).await;
}

#[tokio::test]
async fn a_member_that_returns_under_its_name_on_another_port_replaces_its_record() {
    let agents = cluster(3).await;
    within(10, "all know all", async || agents::all_know(&agents, 3).await).await;
    let old = agents[2].addr();
    agents[2].stop().await;
    let back = quick("m2").join([agents[0].addr().to_string()]).spawn().await.unwrap();
    assert_ne!(back.addr(), old);
    within(10, "the new address is known", async || {
        let mut known = true;
        for agent in &agents[..2] {
            let members = agent.members().await.unwrap();
            let found: Vec<_> = members.iter().filter(|member| member.name() == "m2").collect();
            known &= found.len() == 1 && found[0].addr() == back.addr() && found[0].state == Status::Alive;
        }
        known && agents::all_know(std::slice::from_ref(&back), 3).await
    })
    .await;
}

#[tokio::test]
async fn of_two_processes_with_one_name_the_later_one_keeps_it() {
    let agents = cluster(3).await;
    within(10, "all know all", async || agents::all_know(&agents, 3).await).await;
    let mut events = agents[2].events();
    // Generations are seconds.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let later = quick("m2").join([agents[0].addr().to_string()]).spawn().await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(10), agents[2].ended()).await.expect("an end");
    assert_eq!(end, ExitReason::Displaced);
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event);
    }
    assert_eq!(last, Some(AgentEvent::Displaced));
    within(10, "the later process is the member", async || {
        let mut known = true;
        for agent in [&agents[0], &agents[1], &later] {
            let members = agent.members().await.unwrap();
            known &= members.iter().any(|member| member.addr() == later.addr() && member.state == Status::Alive);
            known &= members.len() == 3;
        }
        known
    })
    .await;
}

#[tokio::test]
async fn new_metadata_and_events_reach_every_member_once() {
    let agents = cluster(4).await;
    within(10, "all know all", async || agents::all_know(&agents, 4).await).await;
    let (mut events, mut own) = (agents[3].events(), agents[0].events());
    agents[0].set_meta("role=web").await.unwrap();
    agents[0].broadcast("deploy", "v7").await.unwrap();
    let (mut updated, mut deployed) = (0, 0);
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_secs(4), events.next()).await {
        match event {
            AgentEvent::Member(MemberChange::Updated, member) if member.meta() == b"role=web" => updated += 1,
            AgentEvent::User { from, from_name, event } => {
                assert_eq!(
                    (from, &*from_name, &*event.name, &*event.payload),
                    (id_of("m0"), "m0", "deploy", &b"v7"[..])
                );
                deployed += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((updated, deployed), (1, 1));
    // The member reports its own change and, W2, its own event like all others.
    let mut next = async || tokio::time::timeout(Duration::from_secs(20), own.next()).await.unwrap();
    let change = next().await;
    let is_own = |member: &MemberInfo| member.name() == "m0" && member.meta() == b"role=web";
    assert!(matches!(&change, Some(AgentEvent::Member(MemberChange::Updated, member)) if is_own(member)), "{change:?}");
    let event = next().await;
    assert!(matches!(&event, Some(AgentEvent::User { from_name, .. }) if &**from_name == "m0"), "{event:?}");
    assert!(matches!(agents[0].set_meta(vec![0; NodeInfo::META_LIMIT + 1]).await, Err(CommandError::TooLong(_))));
    assert!(matches!(agents[0].remove_key("00".parse().unwrap()).await, Err(CommandError::NoKeys)));
}

#[tokio::test]
async fn members_that_learn_coordinates_report_them_and_others_report_none() {
    let learning = || "neighborhood:metric=vivaldi,radius=2".parse::<DynSelector>().unwrap();
    let mut agents = vec![quick("m0").selector(learning()).spawn().await.unwrap()];
    let seed = agents[0].addr().to_string();
    for name in names(1..4) {
        agents.push(quick(&name).selector(learning()).join([seed.clone()]).spawn().await.unwrap());
    }
    // A member without coordinates understands packets that carry them.
    let other = quick("m4").join([seed]).spawn().await.unwrap();
    within(30, "they learn", async || {
        let mut learned = agents::all_know(std::slice::from_ref(&other), 5).await;
        for agent in &agents {
            learned &= agent.info().await.unwrap().coordinate.is_some_and(|at| at.error < 1.4);
        }
        learned
    })
    .await;
    assert_eq!(other.info().await.unwrap().coordinate, None);
}

#[tokio::test]
async fn a_slow_reader_learns_how_many_events_it_missed() {
    let first = quick("m0").event_buffer(4).spawn().await.unwrap();
    let mut events = first.events();
    let mut others = Vec::new();
    for name in names(1..9) {
        others.push(quick(&name).join([first.addr().to_string()]).spawn().await.unwrap());
    }
    within(10, "all are known", async || agents::all_know(std::slice::from_ref(&first), 9).await).await;
    assert_eq!(events.next().await, Some(AgentEvent::Missed(4)));
    assert!(matches!(events.next().await, Some(AgentEvent::Member(MemberChange::Joined, _))));
}

#[tokio::test]
async fn the_handle_of_an_agent_that_has_ended_says_so() {
    let agent = quick("m0").spawn().await.unwrap();
    let other = agent.clone();
    agent.stop().await;
    assert_eq!(other.ended().await, ExitReason::Stopped);
    assert!(other.members().await.is_err());
    assert_eq!(other.events().next().await, None);
}

/// A selector with a bug.
#[derive(Clone, Copy)]
struct Panicking;

impl Selector for Panicking {
    type RosterIndex = ();
    type State = ();

    fn build_index(&self, _: &[Peer]) {}

    fn new_state(&self, (): &(), _: &mut Context<'_>) {}

    fn targets(&self, (): &(), (): &mut (), _: &mut Context<'_>, _: usize, _: &mut Vec<Slot>) {
        panic!("the selector's bug")
    }

    fn bound(&self, _: u32, _: u32) -> Bound {
        Bound::PerPeriod(1.0)
    }
}

// F1: a panicked task is no ordinary end.
#[tokio::test]
async fn an_agent_whose_task_panics_tells_so() {
    let first = quick("m0").spawn().await.unwrap();
    let selector = DynSelector::new("panicking", Panicking);
    let second = quick("m1").selector(selector).join([first.addr().to_string()]).spawn().await.unwrap();
    let reason = tokio::time::timeout(Duration::from_secs(20), second.ended()).await.unwrap();
    assert_eq!(reason, ExitReason::Panicked);
    assert!(second.members().await.is_err());
    second.leave().await;
}

// F14: the end is told when the port is free.
#[tokio::test]
async fn the_port_and_the_state_folder_of_an_agent_that_has_left_are_free() {
    let folder = tempfile::tempdir().unwrap();
    let first = quick("m0").state_dir(folder.path()).spawn().await.unwrap();
    let at = first.addr();
    first.leave().await;
    for _ in 0..10 {
        let next = quick("m0").bind(at).state_dir(folder.path()).spawn().await.unwrap();
        next.leave().await;
    }
}
