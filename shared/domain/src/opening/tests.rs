//! Reading hours, and counting work in them.

use super::*;
use crate::ids::LocationId;
use crate::money::Currency;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn timetable(hours: &str, zone: &str) -> Timetable {
    let id: LocationId = "S001".parse().unwrap();
    let mut location = Location::with_defaults(id, Currency::USD, zone.parse().unwrap());
    hours.clone_into(&mut location.opening_hours);
    Timetable::of(&location)
}

/// The minutes of each day, Monday first.
fn week(hours: &str) -> Vec<Vec<(u16, u16)>> {
    let hours: OpeningHours = hours.parse().unwrap();
    let spans = |day: &Vec<Span>| day.iter().map(|span| (span.from, span.to)).collect();
    hours.days.iter().map(spans).collect()
}

#[test]
fn hours_are_read_as_people_write_them() {
    let shop = week("Mo-Fr 08:00-20:00; Sa 09:00-18:00; Su off");
    assert_eq!(shop[0], [(480, 1200)]);
    assert_eq!(shop[4], shop[0]);
    assert_eq!(
        (shop[5].as_slice(), &shop[6]),
        (&[(540, 1080)][..], &vec![])
    );
    assert_eq!(week("24/7"), vec![vec![(0, 1440)]; 7]);
    assert_eq!(week("00:00-24:00;"), week("24/7"));
    // A later rule replaces an earlier one on its days, and a day that none
    // names is closed.
    let lunch = week("Mo-Sa 13:00-18:00 , 8:30-12:00 ; We closed");
    assert_eq!(lunch[1], [(510, 720), (780, 1080)]);
    assert_eq!((lunch[2].len(), lunch[6].len()), (0, 0));
    // Over midnight, and over the end of the week.
    let bar = week("Sa-Mo,We 18:00-02:00");
    assert_eq!(bar[6], [(1080, 1560)]);
    let open: Vec<bool> = bar.iter().map(|day| !day.is_empty()).collect();
    assert_eq!(open, [true, false, true, false, false, true, true]);
}

#[test]
fn what_cannot_be_read_is_named_with_an_example() {
    for (text, reason) in [
        ("", "a time is written from 00:00 to 24:00"),
        ("by appointment", "a day is one of Mo Tu We"),
        ("Mo-Fr", "a time is written from 00:00 to 24:00"),
        ("Mo-Fr 8-20", "not \"8-20\""),
        ("Mo 08:00", "a beginning and an end"),
        ("Mo 08:00-25:00", "not \"25:00\""),
        ("Mo 08:60-12:00", "not \"08:60-12:00\""),
        ("Mo 08:00-08:00", "opens and closes at the same time"),
        ("Mo 08:00-12:00,11:00-13:00", "two times of a day overlap"),
        ("Mo 08:00-12:00 Tu", "\"Tu\" is not expected there"),
        ("Mo-Fr 08:00-20:00; PH off", "PH stands for days"),
        ("Mo-Fr 08:00-20:00;;", "a time is written"),
        ("Mö 08:00-20:00", "a day is one of"),
    ] {
        let error = text.parse::<OpeningHours>().unwrap_err();
        assert!(error.reason.contains(reason), "{text}: {error}");
        assert!(error.to_string().contains("Mo-Fr 08:00-20:00"), "{error}");
    }
}

#[test]
fn work_is_done_only_while_it_is_open() {
    // 26 and 27 November 2026 are a Thursday and a Friday.
    let shop = timetable("Mo-Fr 08:00-20:00; Sa 09:00-18:00", "Europe/Berlin");
    let done = |from: &str, minutes| shop.after_work(at(from), minutes).unwrap().to_string();
    let noon = "2026-11-26T11:00:00Z";
    assert_eq!(done(noon, 105), "2026-11-26T12:45:00.000Z");
    let evening = "2026-11-26T22:00:00Z";
    assert_eq!(done(evening, 105), "2026-11-27T08:45:00.000Z");
    // Half an hour before the end of Thursday, the rest on Friday.
    assert_eq!(
        done("2026-11-26T18:30:00Z", 105),
        "2026-11-27T08:15:00.000Z"
    );
    assert_eq!(done("2026-11-26T18:30:00Z", 30), "2026-11-26T19:00:00.000Z");
    // Saturday evening: Sunday is closed.
    assert_eq!(done("2026-11-28T20:00:00Z", 1), "2026-11-30T07:01:00.000Z");
    assert_eq!(shop.opening(at(noon)), Opening::Open);
    let opens = at("2026-11-27T07:00:00Z");
    assert_eq!(shop.opening(at(evening)), Opening::OpensAt(opens));
    // The end is not open any more, the beginning is.
    assert_eq!(shop.opening(opens), Opening::Open);
    assert_ne!(shop.opening(at("2026-11-26T19:00:00Z")), Opening::Open);
}

#[test]
fn goods_are_ready_no_sooner_than_they_are_wanted() {
    let shop = timetable("Mo-Fr 08:00-20:00", "UTC");
    let ready = |early: Option<&str>| {
        let ready = shop.ready_at(at("2026-11-26T10:00:00Z"), 60, early.map(at));
        ready.unwrap().to_string()
    };
    assert_eq!(ready(None), "2026-11-26T11:00:00.000Z");
    assert_eq!(
        ready(Some("2026-11-26T10:30:00Z")),
        "2026-11-26T11:00:00.000Z"
    );
    assert_eq!(
        ready(Some("2026-11-26T15:00:00Z")),
        "2026-11-26T15:00:00.000Z"
    );
    assert_eq!(
        ready(Some("2026-11-26T23:00:00Z")),
        "2026-11-27T08:00:00.000Z"
    );
}

#[test]
fn nights_and_clock_changes_are_counted_in_real_minutes() {
    let bar = timetable("Fr-Sa 18:00-02:00", "UTC");
    assert_eq!(bar.opening(at("2026-11-28T01:59:00Z")), Opening::Open);
    let closed = Opening::OpensAt(at("2026-11-28T18:00:00Z"));
    assert_eq!(bar.opening(at("2026-11-28T02:00:00Z")), closed);
    // In Berlin the clock leaps from 02:00 to 03:00 on 29 March 2026 and back
    // from 03:00 to 02:00 on 25 October.
    let night = timetable("00:00-06:00", "Europe/Berlin");
    let minutes = |from: &str, until: &str| night.open_minutes(at(from), at(until));
    let spring = minutes("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
    assert_eq!(spring, Some(5 * 60));
    let autumn = minutes("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    assert_eq!(autumn, Some(7 * 60));
    // A day that begins in the leap.
    let odd = timetable("Su 02:30-04:00", "Europe/Berlin");
    let opens = at("2026-03-29T01:30:00Z");
    assert_eq!(
        odd.opening(at("2026-03-29T00:00:00Z")),
        Opening::OpensAt(opens)
    );
}

#[test]
fn what_is_not_listed_is_open_and_what_is_off_never_is() {
    let now = at("2026-11-26T22:00:00Z");
    let later = at("2026-11-26T23:00:00Z");
    for (hours, opening) in [
        ("", Opening::Unlisted),
        (
            "by appointment",
            Opening::Unreadable("by appointment".to_owned()),
        ),
    ] {
        let always = timetable(hours, "Europe/Berlin");
        assert_eq!(always.opening(now), opening);
        assert_eq!(always.after_work(now, 60), Some(later));
        assert_eq!(always.open_minutes(now, later), None);
    }
    let shut = timetable("off", "Europe/Berlin");
    assert_eq!(shut.opening(now), Opening::Never);
    assert_eq!((shut.after_work(now, 1), shut.next_open(now)), (None, None));
    let day = timetable("24/7", "Europe/Berlin");
    assert_eq!(day.after_work(now, 60), Some(later));
    assert_eq!(day.open_minutes(now, later), Some(60));
    // A week has one minute: what needs more than a year is never done.
    let minute = timetable("Mo 08:00-08:01", "UTC");
    assert!(minute.after_work(now, 52).is_some());
    assert_eq!(minute.after_work(now, 60), None);
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"] {
        for moment in [Timestamp::MIN, Timestamp::MAX] {
            let shop = timetable("Mo-Su 08:00-02:00", zone);
            let _ = shop.after_work(moment, u32::MAX);
            let _ = shop.opening(moment);
            let _ = shop.ready_at(moment, 1, Some(Timestamp::MAX));
        }
    }
}
