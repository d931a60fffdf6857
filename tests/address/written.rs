//! Addresses as people write them: one meaning, many spellings.

use std::fmt::Write;

use proptest::prelude::*;

use super::porter::Door;

/// What an address means.
#[derive(Debug, Clone)]
pub struct Meaning {
    /// Places nobody is at, then doors by their number.
    pub places: Vec<Place>,
    pub user: Option<String>,
    pub database: Option<String>,
    pub password: Option<String>,
    pub options: Option<String>,
    pub application_name: Option<String>,
}

/// Where an address leads.
#[derive(Debug, Clone)]
pub enum Place {
    Dead,
    DeadSocket,
    Door(usize),
}

/// How it is written: a choice each time there is one.
#[derive(Debug, Clone)]
pub struct Whims {
    choices: Vec<u8>,
    next: usize,
}

impl Whims {
    fn one_of(&mut self, count: u8) -> u8 {
        self.next += 1;
        self.choices[self.next % self.choices.len()] % count
    }

    fn yes(&mut self) -> bool {
        self.one_of(2) == 1
    }
}

pub fn meaning(doors: usize) -> impl Strategy<Value = Meaning> {
    let place = prop_oneof![
        Just(Place::Dead),
        Just(Place::DeadSocket),
        (0..doors).prop_map(Place::Door),
    ];
    let text = || proptest::option::of("[ -~äß€\t\n]{1,10}");
    (
        proptest::collection::vec(place, 0..3),
        0..doors,
        text(),
        text(),
        text(),
        // What begins like a setting has to be one.
        text().prop_map(|options| options.filter(|options| !options.contains('-'))),
        text(),
    )
        .prop_map(
            |(mut places, door, user, database, password, options, application_name)| {
                // Somebody is at home in the end.
                places.push(Place::Door(door));
                Meaning {
                    places,
                    user,
                    database,
                    password,
                    options,
                    application_name,
                }
            },
        )
}

pub fn whims() -> impl Strategy<Value = Whims> {
    proptest::collection::vec(any::<u8>(), 64).prop_map(|choices| Whims { choices, next: 0 })
}

impl Meaning {
    /// Hosts, addresses and ports, in order.
    fn places(&self, doors: &[Door], by_address: bool) -> [Vec<String>; 3] {
        let mut lists: [Vec<String>; 3] = Default::default();
        for (index, place) in self.places.iter().enumerate() {
            let dead_socket = Door::Socket("/nonexistent".into(), 1);
            let door = match place {
                Place::Dead => &Door::Tcp("127.0.0.1", 1),
                Place::DeadSocket => &dead_socket,
                Place::Door(number) => &doors[*number],
            };
            let (host, address, port) = match door {
                Door::Tcp(address, port) if by_address => {
                    (format!("h{index}.example"), *address, port)
                }
                Door::Tcp(address, port) => ((*address).to_owned(), "", port),
                Door::Socket(folder, port) => (folder.display().to_string(), "", port),
            };
            lists[0].push(host);
            lists[1].push(address.to_owned());
            lists[2].push(port.to_string());
        }
        lists
    }

    /// What is said besides the places.
    fn rest(&self) -> Vec<(&'static str, String)> {
        [
            ("user", &self.user),
            ("dbname", &self.database),
            ("password", &self.password),
            ("options", &self.options),
            ("application_name", &self.application_name),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect()
    }

    pub fn written(&self, doors: &[Door], whims: &mut Whims) -> String {
        let by_address = whims.yes();
        let [hosts, addresses, ports] = self.places(doors, by_address);
        let mut pairs = self.rest();
        if by_address {
            pairs.push(("hostaddr", addresses.join(",")));
        }
        if whims.yes() {
            pairs.push(("host", hosts.join(",")));
            pairs.push(("port", ports.join(",")));
            return words(&pairs, whims);
        }
        let mut url = ["postgresql://", "postgres://"][usize::from(whims.yes())].to_owned();
        // What the authority cannot say, or need not, is a parameter.
        if let Some(user) = take(&mut pairs, "user", whims) {
            url += &escaped(&user, whims);
            if let Some(password) = take(&mut pairs, "password", whims) {
                url = url + ":" + &escaped(&password, whims);
            }
            url.push('@');
        }
        if whims.yes() {
            pairs.push(("host", hosts.join(",")));
            pairs.push(("port", ports.join(",")));
        } else {
            let places: Vec<String> = hosts
                .iter()
                .zip(&ports)
                .map(|(host, port)| {
                    if host.contains("::") {
                        format!("[{host}]:{port}")
                    } else {
                        format!("{}:{port}", escaped(host, whims))
                    }
                })
                .collect();
            url += &places.join(",");
        }
        url.push('/');
        if let Some(database) = take(&mut pairs, "dbname", whims) {
            url += &escaped(&database, whims);
        }
        for (index, (name, value)) in pairs.iter().enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            let _ = write!(
                url,
                "{mark}{}={}",
                escaped(name, whims),
                escaped(value, whims)
            );
        }
        url
    }
}

/// Often, this one of the pairs.
fn take(pairs: &mut Vec<(&str, String)>, name: &str, whims: &mut Whims) -> Option<String> {
    let index = pairs.iter().position(|(other, _)| *other == name)?;
    (whims.one_of(4) != 0).then(|| pairs.remove(index).1)
}

/// With percent signs where they must be, and in some other places.
fn escaped(text: &str, whims: &mut Whims) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() && whims.one_of(8) != 0 {
            escaped.push(char::from(byte));
        } else if whims.yes() {
            let _ = write!(escaped, "%{byte:02x}");
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// `key=value`, quoted where it must be and in some other places.
fn words(pairs: &[(&str, String)], whims: &mut Whims) -> String {
    let mut text = String::new();
    let blank = |whims: &mut Whims| ["", " ", "\t", " \n "][usize::from(whims.one_of(4))];
    for (name, value) in pairs {
        text += blank(whims);
        text = text + name + blank(whims) + "=" + blank(whims);
        let quoted = value.is_empty() || whims.yes();
        if quoted {
            text.push('\'');
        }
        for letter in value.chars() {
            let must = matches!(letter, '\\' | '\'') || (!quoted && letter.is_ascii_whitespace());
            if must || whims.one_of(8) == 0 {
                text.push('\\');
            }
            text.push(letter);
        }
        text += if quoted { "'" } else { " " };
    }
    text
}
