//! Vectors that the vendors published, in documents or tests of their libraries, or that were captured.

use super::vectors::{PLAIN, Vector};

const BAMBOOHR: &str = r#"{"employees":[{"changedFields":["First name"],"fields":{"Employee #":{"value":"300"},"First name":{"value":"Tefi"},"Last name":{"value":"Adams"}},"id":"5"}]}"#;

/// Published by the vendors, in their own libraries' tests, or captured.
pub(super) const PUBLISHED: &[Vector] = &[
    Vector {
        preset: "bamboohr",
        secret: "123b929362d51613054f71e5e5d4bf2c",
        headers: &[
            ("X-BambooHR-Timestamp", "1658248023"),
            ("X-BambooHR-Signature", "56491dd9c2b352bc5f4fc627159aae20ddff9c8cb19f239a6de6771dc5310bac"),
        ],
        body: BAMBOOHR,
        now: 1_658_248_023,
        ..PLAIN
    },
    Vector {
        preset: "standard-webhooks",
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        headers: &[
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ],
        body: r#"{"test": 2432232314}"#,
        now: 1_614_265_330,
        ..PLAIN
    },
    Vector {
        preset: "svix",
        secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        headers: &[
            ("svix-id", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"),
            ("svix-timestamp", "1649367553"),
            ("svix-signature", "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="),
        ],
        body: r#"{"email":"test@example.com","username":"test_user"}"#,
        now: 1_649_367_553,
        ..PLAIN
    },
    Vector {
        secret: "It's a Secret to Everybody",
        headers: &[("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")],
        body: "Hello, World!",
        ..PLAIN
    },
    Vector {
        secret: "secret",
        headers: &[("X-Hub-Signature-256", "sha256=1b2c16b75bd2a870c114153ccda5bcfca63314bc722fa160d690de133ccbb9db")],
        body: "data",
        ..PLAIN
    },
    // A bare hex signature over the body, as in Datasaur's documents.
    Vector {
        signature: "headers = ['X-Signature']\nprefix = ''",
        secret: "secret",
        headers: &[("X-Signature", "0278b1a603de4c561ac0feb960354d0d00e8846b74813d81bddb43ad45bff767")],
        body: r#"{"body":"sample"}"#,
        ..PLAIN
    },
    Vector {
        preset: "hubspot-v1",
        secret: HUBSPOT,
        headers: &[
            ("X-HubSpot-Signature-Version", "v1"),
            ("X-HubSpot-Signature", "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"),
        ],
        body: HUBSPOT_BODY,
        ..PLAIN
    },
    Vector {
        preset: "hubspot-v2",
        secret: HUBSPOT,
        method: "GET",
        url: Some("https://www.example.com/webhook_uri"),
        headers: &[
            ("X-HubSpot-Signature-Version", "v2"),
            ("X-HubSpot-Signature", "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"),
        ],
        body: "",
        ..PLAIN
    },
    Vector {
        preset: "hubspot-v2",
        secret: HUBSPOT,
        url: Some("https://www.example.com/webhook_uri"),
        headers: &[
            ("X-HubSpot-Signature-Version", "v2"),
            ("X-HubSpot-Signature", "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"),
        ],
        body: r#"{"example_field":"example_value"}"#,
        ..PLAIN
    },
    Vector {
        preset: "finch",
        secret: "5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH",
        headers: &[
            ("Finch-Event-Id", "msg_2Lh9KRb0pzN4LePd3XiA4v12Axj"),
            ("Finch-Timestamp", "1676312382"),
            ("Finch-Signature", "v1,m7y0TV2C+hlHxU42wCieApTSTaA8/047OAplBqxIV/s="),
        ],
        body: r#"{"company_id":"720be419-0293-4d32-a707-32179b0827ab"}"#,
        now: 1_676_312_382,
        ..PLAIN
    },
    // The order of Zendesk's older page, by a setting; then that of the current page, from the same facts.
    Vector {
        signature: "template = '{body}{timestamp}'",
        headers: &[
            ("X-Zendesk-Webhook-Signature-Timestamp", "2021-07-25T10:00:00Z"),
            ("X-Zendesk-Webhook-Signature", "tRDSF7URY8BLCDlaBcQ7FHu051Zk+aAB0NKMP53teMw="),
        ],
        ..ZENDESK
    },
    Vector {
        headers: &[
            ("X-Zendesk-Webhook-Signature-Timestamp", "2021-07-25T10:00:00Z"),
            ("X-Zendesk-Webhook-Signature", "Rry/4TtIdFyawtXXp8QdI6tlAUUQ/5kL1OTp5qo/ZIk="),
        ],
        ..ZENDESK
    },
    Vector {
        preset: "jira",
        secret: "It's a Secret to Everybody",
        headers: &[("X-Hub-Signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9")],
        body: "Hello World!",
        ..PLAIN
    },
    Vector {
        preset: "slack",
        secret: "8f742231b10e8888abcd99yyyzzz85a5",
        headers: &[
            ("X-Slack-Request-Timestamp", "1531420618"),
            ("X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
        ],
        body: SLACK_BODY,
        now: 1_531_420_618,
        ..PLAIN
    },
    // Convoy's vectors have the forms of HiBob's and Shopify's signatures.
    Vector {
        preset: "hibob",
        secret: "Convoy",
        headers: &[(
            "Bob-Signature",
            "gzBjgvU2HTU1HW3kWZjyO1L0C8+Wvv5OkvE3wPG/SnEZOIsjjY+dUCrHfm8aiEmkd4JyZn7YjVMMrIBQvR/uLQ==",
        )],
        body: "Test Payload Body",
        ..PLAIN
    },
    Vector {
        preset: "hibob",
        signature: "encoding = 'hex'",
        secret: "Convoy",
        headers: &[(
            "Bob-Signature",
            "83306382f5361d35351d6de45998f23b52f40bcf96befe4e92f137c0f1bf4a71\
             19388b238d8f9d502ac77e6f1a8849a4778272667ed88d530cac8050bd1fee2d",
        )],
        body: "Test Payload Body",
        ..PLAIN
    },
    Vector {
        preset: "gusto",
        secret: "Convoy",
        headers: &[("X-Gusto-Signature", "d7a154547e7c35e31c4c820e20237650939c3d34dae136e30a7757ca61abb4cf")],
        body: "Test Payload Body",
        ..PLAIN
    },
    Vector {
        preset: "shopify",
        secret: "Convoy",
        headers: &[("X-Shopify-Hmac-SHA256", "16FUVH58NeMcTIIOICN2UJOcPTTa4TbjCndXymGrtM8=")],
        body: "Test Payload Body",
        ..PLAIN
    },
    Vector {
        preset: "shopify",
        secret: "shop-secret",
        headers: &[("X-Shopify-Hmac-SHA256", "plW8VGqq0nDMIEhDqaNNW99asdUCy7EIqLZVcQwtAZ0=")],
        body: r#"{"id":1}"#,
        ..PLAIN
    },
    // hook0's v0: a list with other entries, over the time and the body.
    Vector {
        preset: "stripe",
        signature: "headers = ['X-Hook0-Signature']\nlist = { separator = ',', pair = '=', keys = ['v0'] }",
        secret: "a-subscription-secret",
        headers: &[(
            "X-Hook0-Signature",
            "t=1800000000,v0=d17d66b66fca89390c5b967c45e8928fc732db07a0aabe8167b1e98213081ffe",
        )],
        body: r#"{"event":"user.created"}"#,
        now: 1_800_000_000,
        ..PLAIN
    },
];

const ZENDESK: Vector = Vector {
    preset: "zendesk",
    secret: "HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA=",
    body: r#"{"say": "hello"}"#,
    now: 1_627_207_200,
    ..PLAIN
};

/// The secret of HubSpot's own tests.
pub(super) const HUBSPOT: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";

const HUBSPOT_BODY: &str = r#"[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]"#;

const SLACK_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
