//! The page for somebody without the token: how to get in.
use maud::{DOCTYPE, Markup, html};

use crate::html::assets::STYLESHEET_PATH;

/// The page.
pub fn page() -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Token needed · Evenkeel" }
                link rel="stylesheet" href=(STYLESHEET_PATH);
            }
            body {
                main id="main" {
                    h1 { "These pages open with the token that the program printed." }
                    p class="lede" {
                        "Follow the address in the terminal, or paste the token here. It also stands in the \
                         file " code { "token" } " in the data folder."
                    }
                    form class="ask" method="post" action="/enter" {
                        label for="token" { "Token:" }
                        input id="token" name="token" type="password" autocomplete="off" required;
                        button type="submit" { "Open" }
                    }
                }
            }
        }
    }
}
