//! The life of members on real sockets, many in one process: they join, change, talk, leave, crash, come back.

#![cfg(feature = "agent")]

mod agents;

use std::time::Duration;

use agents::{cluster, names, quick, within};
use swimlab::agent::{Agent, AgentEvent, CommandError, ExitReason, MemberChange, id_of};
use swimlab::protocol::{NodeInfo, Status};
use swimlab_selectors::DynSelector;

#[tokio::test]
async fn ten_members_that_join_at_once_all_know_all() {
    let agents = cluster(10).await;
    within(10, "all know all", async || agents::all_know(&agents, 10).await).await;
}

#[tokio::test]
async fn who_leaves_is_known_to_have_left_and_is_never_suspected() {
    let agents = cluster(5).await;
    within(10, "all know all", async || agents::all_know(&agents, 5).await).await;
    let mut news = agents[0].events();
    agents[4].leave().await;
    assert_eq!(agents[4].ended().await, ExitReason::Left);
    let left = news.next().await;
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
async fn a_crash_is_suspected_then_declared_and_known_to_all() {
    let agents = cluster(5).await;
    within(10, "all know all", async || agents::all_know(&agents, 5).await).await;
    let mut news = agents[0].events();
    agents[4].stop().await;
    for expected in [MemberChange::Suspected, MemberChange::Died] {
        let notice = tokio::time::timeout(Duration::from_secs(20), news.next()).await.unwrap();
        assert!(matches!(&notice, Some(AgentEvent::Member(change, _)) if *change == expected), "{notice:?}");
    }
    within(10, "all know it", async || agents::all_know(&agents[..4], 4).await).await;
}

#[tokio::test]
async fn who_comes_back_by_the_same_name_on_another_port_replaces_itself() {
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
async fn of_two_processes_by_one_name_the_later_one_keeps_it() {
    let agents = cluster(3).await;
    within(10, "all know all", async || agents::all_know(&agents, 3).await).await;
    let mut news = agents[2].events();
    // Generations are seconds.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let detector = quick("m2").join([agents[0].addr().to_string()]).spawn().await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(10), agents[2].ended()).await.expect("an end");
    assert_eq!(end, ExitReason::Displaced);
    let mut last = None;
    while let Some(notice) = news.next().await {
        last = Some(notice);
    }
    assert_eq!(last, Some(AgentEvent::Displaced));
    within(10, "the rival is the member", async || {
        let mut known = true;
        for agent in [&agents[0], &agents[1], &detector] {
            let members = agent.members().await.unwrap();
            known &= members.iter().any(|member| member.addr() == detector.addr() && member.state == Status::Alive);
            known &= members.len() == 3;
        }
        known
    })
    .await;
}

#[tokio::test]
async fn new_metadata_and_events_reach_everybody_once() {
    let agents = cluster(4).await;
    within(10, "all know all", async || agents::all_know(&agents, 4).await).await;
    let mut news = agents[3].events();
    agents[0].set_meta("role=web").await.unwrap();
    agents[0].broadcast("deploy", "v7").await.unwrap();
    let (mut updated, mut deployed) = (0, 0);
    while let Ok(Some(notice)) = tokio::time::timeout(Duration::from_secs(4), news.next()).await {
        match notice {
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
    assert!(matches!(agents[0].set_meta(vec![0; NodeInfo::META_LIMIT + 1]).await, Err(CommandError::TooLong(_))));
    assert!(matches!(agents[0].remove_key("00".parse().unwrap()).await, Err(CommandError::NoKeys)));
}

#[tokio::test]
async fn members_that_learn_distances_know_where_they_are_and_the_others_do_not() {
    let learning = || "neighborhood:metric=vivaldi,radius=2".parse::<DynSelector>().unwrap();
    let mut agents = vec![quick("m0").selector(learning()).spawn().await.unwrap()];
    let seed = agents[0].addr().to_string();
    for name in names(1..4) {
        agents.push(quick(&name).selector(learning()).join([seed.clone()]).spawn().await.unwrap());
    }
    // One who has no use for coordinates understands those who have.
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
async fn a_slow_reader_is_told_what_it_missed() {
    let first = quick("m0").event_buffer(4).spawn().await.unwrap();
    let mut news = first.events();
    let mut others = Vec::new();
    for name in names(1..9) {
        others.push(quick(&name).join([first.addr().to_string()]).spawn().await.unwrap());
    }
    within(10, "all are known", async || agents::all_know(std::slice::from_ref(&first), 9).await).await;
    assert_eq!(news.next().await, Some(AgentEvent::Missed(4)));
    assert!(matches!(news.next().await, Some(AgentEvent::Member(MemberChange::Joined, _))));
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
