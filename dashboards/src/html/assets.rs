//! The one file that pages fetch: the stylesheet, compiled in.

/// The stylesheet's text.
pub const STYLESHEET: &str = include_str!("../../assets/evenkeel.css");

/// Where the server offers it, as `text/css; charset=utf-8`.
pub const STYLESHEET_PATH: &str = "/assets/evenkeel.css";

/// The policy that every page is served with. The report file, which carries
/// its stylesheet inside, is written to disk and needs none.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[cfg(test)]
mod tests {
    use super::STYLESHEET;

    /// Relative luminance after WCAG 2.2.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let byte = u8::from_str_radix(&colour[at..at + 2], 16).expect("hexadecimal colour");
            let value = f64::from(byte) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn token<'a>(theme: &'a str, name: &str) -> &'a str {
        let declared = theme.split(&format!("--{name}:")).nth(1).expect(name);
        &declared[..7]
    }

    #[test]
    fn every_theme_keeps_its_contrasts() {
        let themes: Vec<&str> = STYLESHEET
            .split(":root{")
            .filter(|block| block.trim_start().starts_with("--bg:#"))
            .collect();
        assert_eq!(themes.len(), 4, "light, dark, and both with more contrast");
        for theme in themes {
            for ground in ["bg", "band"] {
                let ground = token(theme, ground);
                let text = ["ink", "ink2", "link", "mark", "alt", "ok", "warning", "critical"];
                for name in text.iter().chain(&["unknown", "maintenance"]) {
                    let ratio = contrast(token(theme, name), ground);
                    assert!(ratio >= 4.5, "--{name} on {ground} has {ratio:.2}");
                }
                for name in ["line", "focus"] {
                    let ratio = contrast(token(theme, name), ground);
                    assert!(ratio >= 3.0, "--{name} on {ground} has {ratio:.2}");
                }
            }
            for name in ["ink", "ink2", "mark", "alt"] {
                let ratio = contrast(token(theme, name), token(theme, "shade"));
                assert!(ratio >= 4.5, "--{name} on the pale band has {ratio:.2}");
            }
            for name in ["warning", "critical"] {
                let ratio = contrast(token(theme, "on"), token(theme, name));
                assert!(ratio >= 4.5, "a letter on --{name} has {ratio:.2}");
            }
        }
    }

    #[test]
    fn nothing_is_fetched() {
        for word in ["url(", "@import", "@font-face", "http:", "https:"] {
            assert!(!STYLESHEET.contains(word), "the stylesheet has {word}");
        }
    }
}
