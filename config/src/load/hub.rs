//! Reading the settings of the hub.
use super::places::Places;
use super::source::Source;
use super::{Loaded, document};
use crate::hub::HubSettings;
use crate::problem::Problems;
use crate::quantity::Span;

/// Reads the settings of `evenkeel serve`.
///
/// # Errors
/// Every problem of the source.
pub fn hub_from(source: &Source) -> Result<Loaded<HubSettings>, Problems> {
    let mut problems = Problems::default();
    let Some((settings, root)) = document::strict::<HubSettings>(source, &mut problems) else {
        return problems.refuse();
    };
    let places = Places::new(std::slice::from_ref(source), &root);
    let hub = &settings.hub;
    if hub.listen.parse::<std::net::SocketAddr>().is_err() {
        let what = format!("`{}` is not an address with a port", hub.listen);
        let hint = "as in `listen = \"127.0.0.1:8420\"` or `\"[::1]:8420\"`";
        problems.error(places.of("hub.listen"), what, hint);
    }
    for (name, span) in
        [("collect_every", hub.collect_every), ("simulate_every", hub.simulate_every)]
    {
        if span == Span::ZERO {
            let what = format!("`{name}` is zero");
            problems.error(
                places.of(&format!("hub.{name}")),
                what,
                format!("as in `{name} = \"1h\"`"),
            );
        }
    }
    if hub.trials == 0 {
        let hint = "as in `trials = 10000`";
        problems.error(places.of("hub.trials"), "nothing would be simulated", hint);
    }
    for (index, agent) in settings.agent.iter().enumerate() {
        if !agent.url.starts_with("http://") && !agent.url.starts_with("https://") {
            let what = format!("`{}` is not an address of an agent", agent.url);
            let hint = "as in `url = \"https://srv-1.example:8421\"`";
            problems.error(places.of(&format!("agent[{index}].url")), what, hint);
        }
        if settings.agent[..index].iter().any(|earlier| earlier.name == agent.name) {
            let what = format!("there is an agent `{}` already", agent.name);
            problems.error(
                places.of(&format!("agent[{index}].name")),
                what,
                "name each differently",
            );
        }
    }
    problems.settle(settings)
}
