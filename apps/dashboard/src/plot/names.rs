//! What series are called beside each other: what they have in common is left out.

use driftless_protocol::feed::SeriesName;

/// A name in full: `disk_used_percent{mount="/"}`.
pub fn full(series: &SeriesName) -> String {
    if series.labels.is_empty() {
        return series.name.clone();
    }
    let labels = series.labels.iter();
    let labels: Vec<_> = labels
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect();
    format!("{}{{{}}}", series.name, labels.join(","))
}

/// A short name for each: the label values that tell them apart, after the metric's name where
/// that differs too. Never empty.
pub fn short(all: &[&SeriesName]) -> Vec<String> {
    all.iter().map(|series| short_one(series, all)).collect()
}

fn short_one(series: &SeriesName, all: &[&SeriesName]) -> String {
    let name_differs = all.iter().any(|other| other.name != series.name);
    let telling = telling_words(&series.name, all);
    let is_alone = all.len() == 1;
    let labels = series.labels.iter().filter(|(key, value)| {
        is_alone
            || all
                .iter()
                .any(|other| other.labels.get(*key) != Some(*value))
    });
    let mut parts: Vec<String> = labels.map(|(key, value)| told(key, value)).collect();
    if name_differs || parts.is_empty() {
        parts.insert(0, telling);
    }
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() {
        full(series)
    } else {
        parts.join(" · ")
    }
}

/// A label by its value. A bare number says nothing without the label's name: "core 3".
pub fn told(key: &str, value: &str) -> String {
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{key} {value}")
    } else {
        value.to_owned()
    }
}

/// The words of a metric's name that not all metrics begin or end with; the whole name where there
/// are none.
fn telling_words(name: &str, all: &[&SeriesName]) -> String {
    let words: Vec<&str> = name.split('_').collect();
    let others: Vec<Vec<&str>> = all
        .iter()
        .map(|other| other.name.split('_').collect())
        .collect();
    let starts = |count: usize| {
        others
            .iter()
            .all(|other| other.starts_with(&words[..count]))
    };
    let ends = |count: usize| others.iter().all(|other| other.ends_with(&words[count..]));
    let first = (0..words.len())
        .take_while(|count| starts(count + 1))
        .count();
    let last = (first..words.len())
        .find(|count| ends(*count))
        .unwrap_or(words.len());
    if first < last {
        words[first..last].join(" ")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, labels: &[(&str, &str)]) -> SeriesName {
        let labels = labels.iter();
        SeriesName {
            name: name.to_owned(),
            labels: labels
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn only_what_tells_series_apart_is_named() {
        let all = [
            series("disk", &[("mount", "/"), ("host", "a")]),
            series("disk", &[("mount", "/home"), ("host", "a")]),
        ];
        assert_eq!(short(&all.each_ref()), ["/", "/home"]);
    }

    #[test]
    fn the_metric_is_named_where_it_differs() {
        let all = [
            series("rx", &[("nic", "eth0")]),
            series("tx", &[("nic", "eth0")]),
        ];
        assert_eq!(short(&all.each_ref()), ["rx", "tx"]);
    }

    #[test]
    fn what_metrics_have_in_common_is_left_out_of_their_names() {
        let name = |way: &str| {
            series(
                &format!("network_{way}_bytes_per_second"),
                &[("nic", "eth0")],
            )
        };
        let all = [name("receive"), name("transmit")];
        assert_eq!(short(&all.each_ref()), ["receive", "transmit"]);
        let all = [series("load", &[]), series("load_max", &[])];
        assert_eq!(short(&all.each_ref()), ["load", "max"]);
    }

    #[test]
    fn one_series_alone_is_called_by_its_labels_or_its_name() {
        assert_eq!(short(&[&series("cpu", &[])]), ["cpu"]);
        assert_eq!(short(&[&series("cpu", &[("core", "3")])]), ["core 3"]);
    }

    #[test]
    fn a_full_name_quotes_its_labels() {
        assert_eq!(full(&series("cpu", &[("core", "3")])), "cpu{core=\"3\"}");
    }
}
