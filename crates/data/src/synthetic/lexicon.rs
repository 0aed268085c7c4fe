//! The words of the synthetic language: eight topics of open-class words, and the closed classes.
//!
//! Every written form belongs to one class (determiners apart, some of which go with both numbers),
//! which the tests check; so the forward algorithm's beliefs stay small.

/// The words of one topic. Nouns are (singular, plural), verbs (with a singular subject, with a plural
/// subject).
pub(super) struct Topic {
    pub(super) nouns: [(&'static str, &'static str); 8],
    pub(super) intransitive: [(&'static str, &'static str); 4],
    pub(super) transitive: [(&'static str, &'static str); 5],
    pub(super) adjectives: [&'static str; 4],
}

/// The farm, the kitchen, the sea, the school, music, the garden, the town, the sky.
#[rustfmt::skip]
pub(super) const TOPICS: [Topic; 8] = [
    Topic {
        nouns: [("dog", "dogs"), ("cat", "cats"), ("horse", "horses"), ("goat", "goats"),
                ("cow", "cows"), ("hen", "hens"), ("farmer", "farmers"), ("fox", "foxes")],
        intransitive: [("sleeps", "sleep"), ("barks", "bark"), ("grazes", "graze"), ("runs", "run")],
        transitive: [("chases", "chase"), ("feeds", "feed"), ("bites", "bite"), ("follows", "follow"),
                     ("hears", "hear")],
        adjectives: ["hungry", "wild", "tame", "fat"],
    },
    Topic {
        nouns: [("baker", "bakers"), ("chef", "chefs"), ("waiter", "waiters"), ("guest", "guests"),
                ("pie", "pies"), ("soup", "soups"), ("carrot", "carrots"), ("spoon", "spoons")],
        intransitive: [("smells", "smell"), ("burns", "burn"), ("cools", "cool"), ("melts", "melt")],
        transitive: [("tastes", "taste"), ("slices", "slice"), ("stirs", "stir"), ("serves", "serve"),
                     ("fries", "fry")],
        adjectives: ["sweet", "salty", "warm", "fresh"],
    },
    Topic {
        nouns: [("sailor", "sailors"), ("captain", "captains"), ("whale", "whales"),
                ("pirate", "pirates"), ("gull", "gulls"), ("shark", "sharks"), ("boat", "boats"),
                ("lighthouse", "lighthouses")],
        intransitive: [("swims", "swim"), ("drifts", "drift"), ("sinks", "sink"), ("floats", "float")],
        transitive: [("steers", "steer"), ("spots", "spot"), ("rescues", "rescue"), ("pulls", "pull"),
                     ("circles", "circle")],
        adjectives: ["stormy", "wet", "deep", "blue"],
    },
    Topic {
        nouns: [("teacher", "teachers"), ("student", "students"), ("child", "children"),
                ("lesson", "lessons"), ("book", "books"), ("poet", "poets"), ("parent", "parents"),
                ("riddle", "riddles")],
        intransitive: [("thinks", "think"), ("whispers", "whisper"), ("listens", "listen"),
                       ("learns", "learn")],
        transitive: [("teaches", "teach"), ("reads", "read"), ("praises", "praise"),
                     ("writes", "write"), ("explains", "explain")],
        adjectives: ["clever", "patient", "curious", "young"],
    },
    Topic {
        nouns: [("singer", "singers"), ("drummer", "drummers"), ("dancer", "dancers"),
                ("song", "songs"), ("band", "bands"), ("violin", "violins"), ("flute", "flutes"),
                ("choir", "choirs")],
        intransitive: [("sings", "sing"), ("dances", "dance"), ("hums", "hum"), ("bows", "bow")],
        transitive: [("plays", "play"), ("tunes", "tune"), ("admires", "admire"),
                     ("rehearses", "rehearse"), ("joins", "join")],
        adjectives: ["loud", "merry", "famous", "gentle"],
    },
    Topic {
        nouns: [("gardener", "gardeners"), ("rose", "roses"), ("tree", "trees"), ("bee", "bees"),
                ("bird", "birds"), ("worm", "worms"), ("fern", "ferns"), ("snail", "snails")],
        intransitive: [("grows", "grow"), ("blooms", "bloom"), ("withers", "wither"),
                       ("creeps", "creep")],
        transitive: [("waters", "water"), ("covers", "cover"), ("touches", "touch"),
                     ("prunes", "prune"), ("visits", "visit")],
        adjectives: ["green", "tall", "shady", "tiny"],
    },
    Topic {
        nouns: [("driver", "drivers"), ("mayor", "mayors"), ("thief", "thieves"), ("train", "trains"),
                ("taxi", "taxis"), ("guard", "guards"), ("bridge", "bridges"), ("bus", "buses")],
        intransitive: [("arrives", "arrive"), ("waits", "wait"), ("departs", "depart"),
                       ("vanishes", "vanish")],
        transitive: [("stops", "stop"), ("crosses", "cross"), ("blocks", "block"),
                     ("catches", "catch"), ("misses", "miss")],
        adjectives: ["late", "busy", "grey", "crowded"],
    },
    Topic {
        nouns: [("star", "stars"), ("comet", "comets"), ("planet", "planets"), ("moon", "moons"),
                ("pilot", "pilots"), ("rocket", "rockets"), ("cloud", "clouds"),
                ("scientist", "scientists")],
        intransitive: [("shines", "shine"), ("glows", "glow"), ("falls", "fall"), ("rises", "rise")],
        transitive: [("watches", "watch"), ("orbits", "orbit"), ("passes", "pass"),
                     ("measures", "measure"), ("charts", "chart")],
        adjectives: ["bright", "distant", "silent", "cold"],
    },
];

/// Determiners of a singular noun; `the` and `my` leave the number open.
pub(super) const SINGULAR_DETERMINERS: [&str; 6] = ["the", "a", "my", "every", "this", "each"];
/// Determiners of a plural noun.
pub(super) const PLURAL_DETERMINERS: [&str; 7] =
    ["the", "many", "my", "some", "these", "two", "three"];
/// Names: singular, of no topic.
pub(super) const NAMES: [&str; 8] =
    ["anna", "boris", "clara", "david", "emma", "felix", "greta", "hugo"];
/// Verbs before a clause.
pub(super) const CLAUSAL_VERBS: [(&str, &str); 4] =
    [("says", "say"), ("knows", "know"), ("believes", "believe"), ("hopes", "hope")];
/// Adverbs after an intransitive verb.
pub(super) const ADVERBS: [&str; 8] =
    ["slowly", "often", "quietly", "today", "again", "gladly", "badly", "outside"];
/// Prepositions.
pub(super) const PREPOSITIONS: [&str; 5] = ["near", "behind", "with", "under", "beside"];
