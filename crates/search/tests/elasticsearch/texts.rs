//! Bodies and queries in many scripts, with what is hard in each.

/// Bodies of ordinary length.
pub(crate) fn bodies() -> Vec<String> {
    owned(BODIES)
}

/// Queries, nearly all of which match some of [`bodies`]: each of them is one.
pub(crate) fn queries() -> Vec<String> {
    owned(QUERIES).into_iter().chain(bodies()).collect()
}

/// Bodies of 10,000 characters, or about.
pub(crate) fn long_bodies() -> Vec<String> {
    let needle = format!("{}needle{}", "hay ".repeat(1_200), "stack ".repeat(800));
    UNITS.iter().map(|unit| repeated(unit, 10_000)).chain([needle]).collect()
}

/// Queries for [`long_bodies`], as long as they may be and as short.
pub(crate) fn long_queries() -> Vec<String> {
    let short = ["a", "B", "\t", "ba", " x", "ss", "sss", "صلى", "é", "y needles", "needle", "needlehay"];
    UNITS.iter().chain(&["q", "ba", "hay ", "stack ", "Ｘ\n"]).map(|unit| repeated(unit, 255)).chain(owned(&short)).collect()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// The unit over and over, until there are so many characters.
fn repeated(unit: &str, characters: usize) -> String {
    unit.chars().cycle().take(characters).collect()
}

/// What long texts are made of: U+FDFA folds to 18 characters, the most that one does.
const UNITS: &[&str] = &["a", "ab", "語", "🦀", "\0", " ", "x ", "\u{fdfa}", "ß", "e\u{301}"];

#[rustfmt::skip]
const BODIES: &[&str] = &[
    // One to three characters.
    "a", "A", "é", "ß", "語", "🦀", " ", "\n", "\0", "_", "＿", "ab", "a ", " a", "aa", "aaa", "abc", "a b", "🦀🦀",
    // Latin.
    "Hello World", "hello, world!", "HELLO\tWORLD", "hello  \r\n  world", "helloworld", "shell operator",
    "The quick brown fox", "caf\u{e9} au lait", "CAFE\u{301} AU LAIT", "cafe au lait", "Straße", "STRASSE", "STRAẞE",
    "Strase", "naïve coöperation", "ﬁne oﬃce", "fine office", "ſchool", "Ǆungla", "Łódź", "Tiếng Việt có dấu",
    "Tiê\u{301}ng Viê\u{323}t", "Ångström", "\u{212b}ngstro\u{308}m", "\u{212a}elvin", "kelvin", "ＦＵＬＬ　ＷＩＤＴＨ",
    "full width", "x² + y² = z²", "½ ⅓ №5 ™", "¨ ´ ¸",
    // Turkish and Greek.
    "İstanbul", "istanbul", "Isparta", "ısparta", "DIYARBAKIR", "diyarbakır", "ΟΔΥΣΣΕΥΣ", "οδυσσευς", "Ὀδυσσεύς",
    "σς Σ", "ᾳ ᾼ αι",
    // Right to left.
    "السلام عليكم", "اَلسَّلَامُ عَلَيْكُمْ", "ﷺ", "صلى الله عليه وسلم", "ﻼ لا", "שלום עולם", "שָׁלוֹם",
    "\u{202b}שלום\u{202c} abc",
    // India and its neighbours.
    "नमस्ते दुनिया", "क़ानून", "क\u{93c}ानून", "क्षत्रिय", "தமிழ் மொழி", "বাংলা ভাষা", "สวัสดีชาวโลก", "น้ำ", "ລາວ",
    "မြန်မာ", "ខ្មែរ",
    // East Asia.
    "你好，世界", "世界你好", "繁體中文", "简体中文", "\u{f900}豈", "𠮷野家", "吉野家", "こんにちは世界", "コンニチハ", "ｺﾝﾆﾁﾊ", "ガギグ", "ｶﾞｷﾞｸﾞ",
    "カ\u{3099}", "㌔㍍", "キロメートル", "안녕하세요 세계", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}", "한글", "ㄱㅏ", "ㅋㅋㅋ",
    // Beyond the basic plane, joined and marked.
    "👩‍👩‍👧‍👦 family", "👩👩👧👦", "👍🏽", "👍", "🇪🇬🇩🇪", "❤️", "❤", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "Unicode", "𐐀𐐨",
    "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "Z\u{351}\u{36b}\u{343}\u{36a}a\u{30e}\u{321}l\u{31b}\u{324}g\u{353}o\u{315}",
    // Controls, spaces, and what is no character.
    "a\0b", "\u{1}\u{2}\u{3}", "tab\there", "a\u{1c}b\u{1d}c\u{1e}d\u{1f}e", "a\u{85}b", "a\u{a0}b", "a\u{180e}b",
    "a\u{200b}b", "a\u{2028}b", "a\u{202f}b", "a\u{2060}b", "a\u{3000}b", "a\u{feff}b", "a\u{fffd}b",
    "\u{fdd0}\u{fffe}\u{ffff}\u{10ffff}", "\u{e000}\u{f8ff}", "soft\u{ad}hyphen",
    // What other layers take for syntax.
    "\"quoted\" 'single' `tick`", "back\\slash \\n \\u0041", "C:\\temp\\new", "a_b", "a＿b", "snake_case_name",
    "50% off_", "* ? [a-z] {1,2}", "field:value AND (x OR y) NOT z~2^3", "{\"match_all\":{}}", "</script><!-- -->",
    "'; DROP TABLE messages; --", "a+b-c=d && e || !f", "https://example.com/a?b=c&d=%20#e", "user@example.com",
    "#tag @name $5.00", "...", "¿Qué? ¡Sí!", "“curly” ‘quotes’ „low“ «guillemets»", "en–dash em—dash",
];

#[rustfmt::skip]
const QUERIES: &[&str] = &[
    "a", "e", "S", "z", " ", "\t", "\0", "_", "＿", ".", "*", "?", "\\", "\"", "é", "e\u{301}", "\u{301}", "ß", "ı",
    "İ", "i", "I", "σ", "ς", "語", "世", "好", "🦀", "👩", "\u{200d}", "\u{fe0f}", "\u{93c}", "\u{1112}", "ㄱ", "ｶ", "ﾞ",
    "\u{ffff}", "\u{10ffff}", "\u{e000}", "lo", "LO", "o w", "o  w", "ll", "ss", "SS", "ẞe", "aa", "b ", " b", "\n\n",
    "你好", "世界", "안녕", "한", "สวั", "น้", "👩‍", "🇩🇪", "🇬🇩", "\\n", "\\u", "%_", "&&", "hel", "ELL", "world", "WORLD!",
    "o, w", "lo\u{a0}wor", "low", "ellow", "quick brown", "quickbrown", "k b", "caf\u{e9}", "cafe\u{301}", "CAFÉ AU",
    "afe", "trass", "straß", "strase", "office", "ﬃ", "fi", "school", "lódź", "lodz", "việt", "viê\u{323}t", "ångst",
    "kelv", "full w", "width", "½", "1⁄2", "tm", "istan", "İSTAN", "i\u{307}stan", "isparta", "ISPARTA", "bakır",
    "bakir", "οδυσσευσ", "ΔΥΣ", "ευς", "αι", "سلام", "السلام", "عليكم", "الله", "لا", "שלום", "שָׁ", "עולם", "नमस्",
    "स्ते", "क़ा", "क\u{93c}ा", "क्ष", "தமிழ்", "ভাষা", "ชาวโลก", "น้ำ", "world世界", "，世", "繁體", "吉野", "𠮷", "𠮷野家",
    "こんにちは", "コンニ", "ｺﾝﾆ", "ガギ", "ｶﾞｷﾞ", "キロメ", "㍍", "하세요", "글한", "한글", "\u{1112}\u{1161}", "ㅋㅋ", "👩‍👩‍👧‍👦", "👧‍👦",
    "👍🏽", "unicode", "𝔘𝔫𝔦", "𐐀𐐀", "lgo", "a\0b", "\0b", "\u{1}\u{2}", "a b", "a\u{200b}b", "a\u{feff}b", "a\u{180e}b",
    "b c d", "softhyphen", "soft\u{ad}h", "\"quo", "k\\s", "\\temp", "a_b", "a＿b", "_case_", "50%", "[a-z]", "AND (",
    "~2^3", "match_all", "</script>", "'; drop", "+b-c", "?b=c&d", "@example", "$5.0", "...", "....", "¿qué?",
    "“curly”", "n–d", "needle", "y needles", "hay needlestack", "stack ", "no such text anywhere", "zzz", "ab", "ba",
    "bab",
];
