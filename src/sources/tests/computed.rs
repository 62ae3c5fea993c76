//! Vectors computed from the vendors' documents; no vendor published them.

use super::vectors::{PLAIN, Vector};

/// One secret, one body, one instant: what each vendor would send.
pub(super) const COMPUTED: &[Vector] = &[
    Vector {
        preset: "hibob",
        headers: &[(
            "Bob-Signature",
            "sgXI6s3C6hGibfSqhLIyUonur/mROWgN0qlYFPIZfBb9pq7NowKI0P+tERHgdsabAWfxsL4A9akwf5ytMMuJnA==",
        )],
        ..PLAIN
    },
    Vector { preset: "gusto", headers: &[("X-Gusto-Signature", HEX)], ..PLAIN },
    Vector { preset: "workable", headers: &[("X-Workable-Signature", HEX)], ..PLAIN },
    Vector { preset: "attio", headers: &[("Attio-Signature", HEX)], ..PLAIN },
    Vector { preset: "attio", headers: &[("X-Attio-Signature", HEX)], ..PLAIN },
    Vector { preset: "jazzhr", headers: &[("X-JazzHR-Signature", HEX)], ..PLAIN },
    Vector {
        preset: "deel",
        headers: &[("x-deel-signature", "3e865532f0fd9a2db7262c8e1018e1034b3836cb1f5cc8f2272bcfa2859d0d80")],
        ..PLAIN
    },
    Vector {
        preset: "remote",
        headers: &[
            ("X-Remote-Timestamp", "1766000000000"),
            ("X-Remote-Signature", "b7aa6f53883fea6235b37b357057170afae916a26ad0af859ea2014ce6fe9b86"),
        ],
        ..PLAIN
    },
    Vector {
        preset: "greenhouse",
        headers: &[("Signature", "sha256 e75b6929d8cc020bf82860596899d96faaf9ddb720670c1d7894d177dd5cb5f9")],
        ..PLAIN
    },
    Vector {
        preset: "ashby",
        headers: &[("Ashby-Signature", "sha256=e75b6929d8cc020bf82860596899d96faaf9ddb720670c1d7894d177dd5cb5f9")],
        ..PLAIN
    },
    Vector { preset: "merge", headers: &[("X-Merge-Webhook-Signature", BASE64)], ..PLAIN },
    Vector { preset: "kombo", headers: &[("X-Kombo-Signature", BASE64)], ..PLAIN },
    Vector { preset: "shopify", headers: &[("X-Shopify-Hmac-SHA256", BASE64)], ..PLAIN },
    Vector {
        preset: "workos",
        headers: &[(
            "WorkOS-Signature",
            "t=1766000000000, v1=5b604df83c9abb6edab590fee7ac710ab9a6535c3518b7fb508847063e48321c",
        )],
        ..PLAIN
    },
    Vector {
        preset: "hubspot",
        headers: &[
            ("X-HubSpot-Request-Timestamp", "1766000000000"),
            ("X-HubSpot-Signature-v3", "L97XKVCbMZlyl2PZgdYGSkkU5ZedmSzDNb1VZKQ1Sto="),
        ],
        query: Some("a=1"),
        ..PLAIN
    },
    Vector {
        preset: "zendesk",
        headers: &[
            ("X-Zendesk-Webhook-Signature-Timestamp", "2025-12-17T19:33:20Z"),
            ("X-Zendesk-Webhook-Signature", "mZE4hwYYQf7MrEVeSBaCZhmyy0PCBk/VyLKOgnyLfRc="),
        ],
        ..PLAIN
    },
    Vector {
        preset: "intercom",
        headers: &[("X-Hub-Signature", "sha1=bd210d89e5aef22e8b0081711fe51b9e4660537c")],
        ..PLAIN
    },
    Vector {
        preset: "close",
        headers: &[
            ("close-sig-timestamp", "1766000000"),
            ("close-sig-hash", "c3fcea9c36b27ebb2ca774827216a1f15587c9aa73689fb92dc23fa1600eae7e"),
        ],
        secret: "00112233445566778899aabbccddeeff",
        ..PLAIN
    },
    Vector {
        preset: "stripe",
        headers: &[(
            "Stripe-Signature",
            "t=1766000000,v1=e3450e1330157db0abb690f4a2e672f7ad260c23382afc441da4f5ed3cc7bf38",
        )],
        ..PLAIN
    },
    Vector {
        preset: "calendly",
        headers: &[(
            "Calendly-Webhook-Signature",
            "t=1766000000,v1=e3450e1330157db0abb690f4a2e672f7ad260c23382afc441da4f5ed3cc7bf38",
        )],
        ..PLAIN
    },
    Vector {
        preset: "typeform",
        headers: &[("Typeform-Signature", "sha256=51tpKdjMAgv4KGBZaJnZb6r53bcgZwwdeJTRd91ctfk=")],
        ..PLAIN
    },
];

const HEX: &str = "e75b6929d8cc020bf82860596899d96faaf9ddb720670c1d7894d177dd5cb5f9";
const BASE64: &str = "51tpKdjMAgv4KGBZaJnZb6r53bcgZwwdeJTRd91ctfk=";
