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
    let is_alone = all.len() == 1;
    let labels = series.labels.iter().filter(|(key, value)| {
        is_alone
            || all
                .iter()
                .any(|other| other.labels.get(*key) != Some(*value))
    });
    let mut parts: Vec<&str> = labels.map(|(_, value)| value.as_str()).collect();
    if name_differs || parts.is_empty() {
        parts.insert(0, &series.name);
    }
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() {
        full(series)
    } else {
        parts.join(" · ")
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
    fn one_series_alone_is_called_by_its_labels_or_its_name() {
        assert_eq!(short(&[&series("cpu", &[])]), ["cpu"]);
        assert_eq!(short(&[&series("cpu", &[("core", "3")])]), ["3"]);
    }

    #[test]
    fn a_full_name_quotes_its_labels() {
        assert_eq!(full(&series("cpu", &[("core", "3")])), "cpu{core=\"3\"}");
    }
}
