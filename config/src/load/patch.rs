//! Reading a patch that is not on the map, and adding it to the map's fixes.
use super::map::SCHEMA;
use super::nearest::did_you_mean;
use super::places::Places;
use super::source::Source;
use super::{Loaded, document};
use crate::id::Id;
use crate::map::{DependencyMap, Fix, Patch};
use crate::problem::{Problems, Weight};

/// Reads a patch, tries it out and adds it to the fixes of the map, under the
/// name of its file.
///
/// # Errors
/// Every problem of the document, and of the map with the patch laid over it;
/// a name that a fix of the map already has.
pub fn lay_patch(source: &Source, map: &mut DependencyMap) -> Result<Loaded<Id>, Problems> {
    let mut problems = Problems::default();
    let Some((patch, root)) = document::strict::<Patch>(source, &mut problems) else {
        return problems.refuse();
    };
    let sources = std::slice::from_ref(source);
    document::hold_piece(&root, "set", &SCHEMA, sources, &mut problems);
    let places = Places::new(sources, &root);
    let Some(id) = Id::slug(source.stem()) else {
        let what = "the file's name makes no name for the patch";
        problems.error(source.place(), what, "call it something like `new-nas.toml`");
        return problems.refuse();
    };
    if map.fixes.contains_key(&id) {
        let what = format!("the map has a fix `{id}` already");
        let hint = format!("rename the file, or ask for the map's own with `--fix {id}`");
        problems.error(source.place(), what, hint);
    }
    let fix = Fix::from(patch);
    for (index, gone) in fix.remove.iter().enumerate() {
        if !map.components.contains_key(gone) {
            let ids = map.components.keys().map(Id::as_str);
            let hint = match did_you_mean(gone.as_str(), ids) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a component of the map".to_owned(),
            };
            let what = format!("there is no component `{gone}` to take away");
            problems.error(places.of(&format!("remove[{index}]")), what, hint);
        }
    }
    if fix.set.is_empty() && fix.remove.is_empty() {
        let hint = "say what changes, as in `[set.host.srv-1]`";
        problems.warning(source.place(), "the patch changes nothing", hint);
    }
    if problems.is_fatal() {
        return problems.refuse();
    }
    let mut tried = map.clone();
    tried.add_fix(id.clone(), fix);
    if let Err(wrong) = tried.with_fix(&id) {
        for problem in wrong.list.into_iter().filter(|p| p.weight == Weight::Error) {
            let key = &problem.place.key;
            let what = format!("with this patch, {key}: {}", problem.what);
            problems.error(places.of(&format!("set.{key}")), what, problem.hint);
        }
    }
    let laid = problems.settle(id)?;
    *map = tried;
    Ok(laid)
}
