//! Why a value cannot be used: each reason once, in French and English, saying what to write instead.
//!
//! A reason goes after a colon, so it begins with a small letter and ends without a full stop. Some are nouns, which
//! stand inside other reasons.

use std::fmt;

/// A word that stands in a reason, in the user's language.
trait Say {
    fn say(&self, french: bool) -> String;
}

macro_rules! said_as_it_is {
    ($($type:ty),+) => { $(impl Say for $type {
        fn say(&self, _french: bool) -> String {
            self.to_string()
        }
    })+ };
}
said_as_it_is!(String, Box<str>, usize, u64);

impl Say for Box<Reason> {
    fn say(&self, french: bool) -> String {
        self.text(french)
    }
}

/// `Name(argument: Type, ...): "French", "English";` each of them makes a variant and its text.
macro_rules! reasons {
    ($($name:ident $(($($argument:ident: $type:ty),+))?: $fr:literal, $en:literal;)+) => {
        /// A reason. What stands in brackets is said as it is, or is a reason itself.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Reason {
            $(#[doc = $en] $name $(($($type),+))?,)+
        }

        impl Reason {
            /// The text in one of the two languages.
            pub fn text(&self, french: bool) -> String {
                match self {
                    $(Reason::$name $(($($argument),+))? => {
                        $($(let $argument = $argument.say(french);)+)?
                        if french { format!($fr) } else { format!($en) }
                    })+
                }
            }
        }
    };
}

reasons! {
    // Nouns.
    ATruthValue: "une valeur de vérité", "a truth value";
    ANumber: "un nombre", "a number";
    AText: "un texte", "a text";
    AProperty: "une propriété", "a property";
    AnInstant: "un instant", "an instant";
    AnInterval: "un intervalle", "an interval";
    AnOpenEnd: "une borne ouverte", "an open end";
    AGeometry: "une géométrie", "a geometry";
    AList: "une liste", "a list";
    AnExpression: "une expression", "an expression";
    Bytes: "octets", "bytes";
    Elements: "éléments", "elements";
    Expressions: "expressions", "expressions";
    Positions: "positions", "positions";
    AttributesOrPrefixes: "attributs ou préfixes par élément", "attributes or prefixes in an element";

    // What is said in one language only: text of the user, text that was already chosen by language.
    Told(text: String): "{text}", "{text}";

    // Any value.
    Needed(what: String): "« {what} » est attendu ici", "\"{what}\" is needed here";
    OneOf(list: String): "écrivez une valeur parmi : {list}", "write one of: {list}";
    At(at: usize, what: Box<Reason>): "au caractère {at}, {what}", "at character {at}, {what}";
    Number: "un nombre est attendu", "a number is needed";
    NumberOf(name: String): "un nombre est attendu dans {name}", "a number is needed in {name}";
    WholeNumber: "un nombre entier est attendu", "a whole number is needed";
    Count: "un nombre entier, zéro ou plus, est attendu", "a whole number of zero or more is needed";
    PositiveCount: "un nombre entier, un ou plus, est attendu", "a whole number of one or more is needed";
    FourNumbers: "quatre nombres sont attendus, suivis du système de coordonnées si ce n'est pas celui par défaut",
        "four numbers are needed, then the coordinate reference system if it is not the default";
    Corners: "le coin inférieur ne doit pas dépasser le coin supérieur : vérifiez l'ordre des nombres",
        "the lower corner must not lie beyond the upper corner: check the order of the numbers";
    Instant: "une date ou un instant ISO 8601 est attendu, par exemple 2024-01-01 ou 2024-01-01T00:00:00Z",
        "a date or dateTime of ISO 8601 is needed, e.g. 2024-01-01 or 2024-01-01T00:00:00Z";
    InstantOrPeriod: "un instant ou une période ISO 8601 est attendu, par exemple 2023-01-01/2024-01-01",
        "an instant or a period of ISO 8601 is needed, e.g. 2023-01-01/2024-01-01";
    DateOnly: "une date est attendue, par exemple '2024-01-01'", "a date is needed, e.g. '2024-01-01'";
    TimestampOnly: "un instant est attendu, par exemple '2024-01-01T00:00:00Z'",
        "a timestamp is needed, e.g. '2024-01-01T00:00:00Z'";
    End: "une date, un instant ou '..' est attendu", "a date, a timestamp or '..' is needed";
    Twice: "il est donné plus d'une fois : gardez-en un", "it is given more than once: keep one";
    Excludes(other: String): "il ne peut pas accompagner {other} : gardez l'un des deux",
        "it cannot go with {other}: keep one of the two";
    Groups(count: usize): "un groupe entre parenthèses est attendu pour chacune des {count} requêtes",
        "one group in brackets is needed for each of {count} queries";

    // Documents.
    NotUtf8: "le texte n'est pas en UTF-8 : réencodez-le", "the text is not UTF-8: encode it so";
    NotWellFormed(at: u64, what: String): "le document XML est mal formé à l'octet {at} ({what})",
        "the XML document is not well formed at byte {at} ({what})";
    Doctype: "une déclaration DOCTYPE n'est pas acceptée : retirez-la", "a DOCTYPE is not accepted: remove it";
    Entity(name: String): "l'entité &{name}; n'est pas acceptée : écrivez le caractère lui-même",
        "the entity &{name}; is not accepted: write the character itself";
    TooDeep(limit: usize): "plus de {limit} niveaux sont imbriqués : simplifiez",
        "more than {limit} levels are nested: simplify it";
    TooMany(limit: usize, what: Box<Reason>): "il y a plus de {limit} {what} : réduisez la demande",
        "there are more than {limit} {what}: ask for less";
    Empty: "le document est vide : envoyez une requête XML", "the document is empty: send a request in XML";
    Json(what: String): "ce n'est pas du JSON ({what})", "it is not JSON ({what})";
    OneQuery: "exactement une requête est attendue", "exactly one query is needed";
    NoQuery: "ajoutez un élément Query ou StoredQuery", "add an element Query or StoredQuery";
    NotAQuery(name: String): "{name} n'est pas une requête : Query ou StoredQuery est attendu",
        "{name} is no query: Query or StoredQuery is needed";
    NotInQuery(name: String): "{name} n'a pas sa place dans Query : retirez-le", "{name} does not belong into Query: remove it";

    // Parameters of WFS and of OGC API.
    Service(name: String): "{name} est attendu à cette adresse", "{name} is needed at this address";
    Version(list: String): "écrivez l'une des versions {list}", "write one of the versions {list}";
    VersionNumber: "une version s'écrit en nombres séparés par des points, par exemple 2.0.0",
        "a version is written as numbers with points, e.g. 2.0.0";
    Namespaces: "écrivez xmlns(préfixe,uri), plusieurs séparés par des virgules",
        "write xmlns(prefix,uri), several separated by commas";
    Sort: "écrivez des noms de propriétés, chacun suivi de ASC, de DESC ou de rien",
        "write property names, each followed by ASC or DESC or nothing";
    Sortable: "une propriété dont les valeurs se comparent est attendue", "a property with comparable values is needed";
    NoReferences: "aucune propriété ne contient de référence : retirez ce paramètre",
        "no property holds references: remove this parameter";
    ValueReference: "le nom d'une propriété est attendu", "the name of a property is needed";
    NoSuchProperty: "le type d'objet n'a pas cette propriété : voyez DescribeFeatureType",
        "the feature type has no such property: see DescribeFeatureType";
    OtherType(found: Box<str>, wanted: Box<str>): "c'est un objet de {found}, non de {wanted}",
        "it is a feature of {found}, not of {wanted}";
    OneCrs: "un fichier GeoJSON n'a qu'un système de coordonnées : demandez les types un par un",
        "a GeoJSON file has one coordinate reference system: ask for the types one by one";
    OneTable: "ce format contient les objets d'une seule requête : demandez les types un par un",
        "this format holds the features of one query: ask for the types one by one";
    CrsOfList: "écrivez l'un des systèmes de coordonnées de la liste crs de la collection",
        "write one of the coordinate reference systems in the collection's list crs";
    Sortables: "des noms de propriétés triables sont attendus : voyez /sortables",
        "names of sortables are needed: see /sortables";
    CollectionNames: "des noms de collections sont attendus : voyez /collections",
        "names of collections are needed: see /collections";
    OneBound: "un intervalle a au moins une borne", "an interval has at least one bound";
    WebMercatorOnly: "TileJSON ne connaît que WebMercatorQuad", "TileJSON knows WebMercatorQuad only";
    PercentEncoding: "une adresse en UTF-8 encodée en pourcents est attendue", "percent-encoded UTF-8 is needed";
    HostNeeded: "ajoutez l'en-tête Host", "add a Host header";
    BodyLate: "le corps de la requête n'est pas arrivé à temps : renvoyez-la", "the body did not arrive in time: send it again";
    BodyBroken: "le corps de la requête s'est interrompu : renvoyez-la", "the body broke off: send it again";

    // Options that are not offered.
    Remove: "retirez-la de la requête", "remove it from the request";
    Joins: "les jointures ne le sont pas ; plusieurs requêtes s'écrivent (a)(b), ou chacune dans son élément Query",
        "joins are not; several queries are written (a)(b), or each in its own element Query";
    Instead(list: String): "utilisez {list}", "use {list}";

    // Names.
    UnknownProperty: "cette propriété est inconnue, ou hors de votre convention : voyez DescribeFeatureType et /whoami",
        "this property is unknown, or not in your convention: see DescribeFeatureType and /whoami";
    UnknownCrs: "ce système de coordonnées n'est pas offert : utilisez par exemple EPSG:2154, 3950, 4171, 4326 ou 3857",
        "this coordinate reference system is not offered: use EPSG:2154, 3950, 4171, 4326 or 3857, for example";

    // Operators of filters.
    RootFilter: "l'élément racine doit être Filter", "the root element must be Filter";
    NoOperator: "il ne contient aucun opérateur : mettez-en un", "it holds no operator: put one inside";
    OneOperator: "il contient exactement un opérateur", "it holds exactly one operator";
    Combine: "un filtre contient un opérateur : réunissez-en plusieurs par And ou Or",
        "a filter holds one operator: combine several with And or Or";
    UnknownOperator: "cet opérateur n'existe pas : voyez Filter_Capabilities dans les capacités",
        "there is no such operator: see Filter_Capabilities in the capabilities";
    TruthFunction: "comparez à true une fonction qui donne une valeur de vérité",
        "compare a function that gives a truth value with true";
    AddAttribute(name: String): "ajoutez l'attribut {name}", "add the attribute {name}";
    AddElement(name: String): "ajoutez l'élément {name}", "add the element {name}";
    TwoOperands: "il a exactement deux opérandes", "it has exactly two operands";
    OneOperand: "il a exactement un opérande", "it has exactly one operand";
    OneArgument: "elle a exactement un argument", "it has exactly one argument";
    OperandCount(name: String): "{name} a un autre nombre d'opérandes", "{name} has another number of operands";
    Operand: "ValueReference, Literal ou une fonction est attendu ici", "ValueReference, Literal or a function is needed here";
    OwnIdentifier: "l'identifiant d'un objet de ce type est attendu", "the identifier of a feature of this type is needed";
    PropertyNeeded: "une propriété est attendue", "a property is needed";
    TestedProperty: "ajoutez la propriété à comparer", "add the property to compare";
    LiteralPattern: "un modèle littéral est attendu", "a literal pattern is needed";
    TextPattern: "seul un texte se compare à un modèle : choisissez une propriété de type texte",
        "only a text has a pattern: choose a property of type text";
    UnknownFunction: "cette fonction n'est pas offerte : voyez Filter_Capabilities dans les capacités",
        "this function is not offered: see Filter_Capabilities in the capabilities";
    TextArgument: "son argument est un texte", "its argument is a text";
    Arithmetic: "un calcul a besoin de nombres", "arithmetic needs numbers";
    NoValueHere: "cette propriété n'a pas de valeur ici", "the property holds no value here";
    SpatialOperator: "une géométrie ne se compare pas : utilisez un opérateur spatial",
        "a geometry cannot be compared: use a spatial operator";
    NotComparable: "une telle valeur ne se compare pas à cette propriété", "such a value cannot be compared with this property";
    Incomparable(a: Box<Reason>, b: Box<Reason>): "{a} ne se compare pas à {b}", "{a} cannot be compared with {b}";
    NeverCompared(what: Box<Reason>): "{what} ne se compare pas", "{what} cannot be compared";
    TimeNeeded: "une propriété et un temps sont attendus", "a property and a time are needed";
    DateProperty: "une propriété de type dateTime est attendue", "a property of type dateTime is needed";
    EndsFirst: "elle finit avant de commencer : échangez ses bornes", "it ends before it begins: exchange its ends";
    ValueNeeded: "une valeur est attendue", "a value is needed";

    // Geometry.
    MixedCrs: "ses parties sont dans des systèmes de coordonnées différents : n'en gardez qu'un",
        "its parts are in different coordinate reference systems: keep one";
    OnePosition: "il a exactement une position", "it has exactly one position";
    PointsOnly: "il ne contient que des points", "it holds points only";
    UnknownGeometry: "cette géométrie n'est pas connue : voyez GeometryOperands dans les capacités",
        "there is no such geometry: see GeometryOperands in the capabilities";
    EmptyGeometry: "elle est vide : ajoutez ses parties", "it is empty: add its parts";
    TwoCorners: "elle a exactement deux coins", "it has exactly two corners";
    CurveNeeded: "une courbe est attendue ici", "a curve is needed here";
    SurfaceNeeded: "une surface est attendue ici", "a surface is needed here";
    PointNeeded: "un point est attendu ici", "a point is needed here";
    GeometryNeeded: "une géométrie est attendue ici", "a geometry is needed here";
    SimpleGeometry: "un point, une ligne ou un polygone est attendu ici", "a point, line or polygon is needed here";
    TwoPositions: "au moins deux positions sont attendues", "at least two positions are needed";
    OddPositions: "un nombre impair de positions est attendu, trois au moins",
        "an odd number of positions is needed, three at least";
    ThreePositions: "trois positions non alignées sont attendues", "three positions that do not lie in line are needed";
    Radius: "un rayon supérieur à zéro est attendu", "a radius greater than zero is needed";
    CurveSegment: "ce genre de segment n'est pas offert : décrivez la courbe par des positions",
        "this kind of segment is not offered: describe the curve by positions";
    RingNeeded: "ajoutez l'anneau", "add the ring";
    Ring: "un anneau a au moins quatre positions et finit où il commence",
        "a ring has four positions at least and ends where it begins";
    OuterBoundary: "ajoutez le contour extérieur", "add the outer boundary";
    Coordinates: "ajoutez ses coordonnées", "add its coordinates";
    OneCharacter(name: String): "{name} est un seul caractère", "{name} is one character";
    PositionNumbers(count: usize): "{count} nombres par position sont attendus", "{count} numbers a position are needed";
    GeometryFunction: "aucune fonction qui donne une géométrie n'est offerte", "no function that gives a geometry is offered";
    PropertyAndGeometry: "une propriété et une géométrie sont attendues ici", "a property and a geometry are needed here";
    GeometryProperty: "la propriété géométrique est attendue", "the geometry property is needed";
    Distance: "une distance, zéro ou plus, est attendue", "a distance of zero or more is needed";
    Unit: "une unité de longueur est attendue, par exemple m ou km", "a unit of length is needed, e.g. m or km";
    FourSides: "l'ouest, l'est, le sud et le nord sont attendus, dans cet ordre",
        "west, east, south and north are needed, in this order";
    EpsgCode: "un code EPSG est attendu", "an EPSG code is needed";
    CrsInQuotes: "un système de coordonnées entre apostrophes est attendu",
        "a coordinate reference system in quotes is needed";
    FourOrSix: "une boîte a quatre ou six nombres, le coin inférieur d'abord",
        "a box has four or six numbers, the lower corner first";
    OutsideArea(crs: String): "la géométrie est hors du domaine de {crs}", "the geometry lies outside the area of {crs}";
    NoRelation: "cette relation n'est pas définie pour un mélange de points, de lignes et de surfaces : demandez-les un par un",
        "this relation is not defined for a mixture of points, lines and areas: ask for them one by one";
    InvalidGeometry: "la géométrie du filtre n'est pas valide : vérifiez qu'aucun anneau ne se croise",
        "the geometry of the filter is not valid: check that no ring crosses itself";
    TooSlow: "le filtre spatial prend trop de temps : simplifiez sa géométrie ou ajoutez une boîte",
        "the spatial filter takes too long: simplify its geometry or add a box";

    // Texts of CQL.
    AndOrEnd: "AND, OR ou la fin est attendu", "AND, OR or the end is needed";
    Bracket: "aucune parenthèse n'est ouverte ici : retirez celle-ci", "no bracket is open here: remove this one";
    Unclosed: "fermez la parenthèse", "close the bracket";
    UnclosedQuote: "fermez l'apostrophe", "close the quotation mark";
    UnclosedName: "fermez le guillemet", "close the double quote";
    Character: "ce caractère n'a pas de sens ici : retirez-le", "this character has no meaning here: remove it";
    PropertyOrValue: "une propriété ou une valeur est attendue", "a property or a value is needed";
    Primary: "un nom, un littéral ou une parenthèse est attendu", "a name, a literal or a bracket is needed";
    Symbol: "un opérateur, un nom ou un littéral est attendu", "an operator, a name or a literal is needed";
    QuotedPattern: "un modèle entre apostrophes est attendu", "a pattern in quotes is needed";
    AfterNot: "LIKE, ILIKE, BETWEEN ou IN est attendu", "LIKE, ILIKE, BETWEEN or IN is needed";
    OperatorNeeded: "un opérateur est attendu", "an operator is needed";
    Coordinate: "une coordonnée est attendue", "a coordinate is needed";
    Expression: "une expression est attendue", "an expression is needed";

    // CQL2.
    NotQueryable(name: String): "« {name} » ne compte pas parmi les propriétés interrogeables : voyez /queryables",
        "\"{name}\" is not among the queryables: see /queryables";
    NoFunction(name: String): "la fonction {name} n'est pas offerte : retirez-la", "the function {name} is not offered: remove it";
    NoTruth(what: String): "{what} n'est pas une condition : comparez-le à une valeur",
        "{what} is no condition: compare it with a value";
    NoCondition(what: Box<Reason>): "{what} n'est pas une condition", "{what} is no condition";
    UseSpatial(name: String): "« {name} » est une géométrie : utilisez une fonction spatiale",
        "\"{name}\" is a geometry: use a spatial function";
    Takes(name: String, what: Box<Reason>): "{name} attend {what}", "{name} takes {what}";
    NotA(found: Box<Reason>, wanted: Box<Reason>): "{wanted} est attendu, non {found}", "{wanted} is needed, not {found}";
    NoResult: "le résultat de ce calcul n'est pas un nombre", "the result of this calculation is no number";
    NoOrder: "des valeurs de vérité n'ont pas d'ordre : comparez par = ou <>", "truth values have no order: compare with = or <>";
    NoGeometry(name: String): "« {name} » n'est pas une géométrie", "\"{name}\" is no geometry";
    OneSide: "d'un côté d'une fonction spatiale se trouve la géométrie des objets",
        "one side of a spatial function is the geometry of the features";
    LargeNumber: "un nombre est trop grand", "a number is too large";
    NoNull: "null n'est pas une expression : utilisez isNull", "null is no expression: use isNull";
    JsonText(key: String): "{key} est une chaîne", "{key} is a string";
    JsonArguments(op: String): "{op} a besoin de args", "{op} needs args";
    TwoEnds: "un intervalle a deux bornes", "an interval has two ends";
    JsonObject: "un objet est une opération, une propriété, un instant, un intervalle ou une géométrie",
        "an object is an operation, a property, an instant, an interval or a geometry";
    JsonMember: "un membre d'une GeometryCollection est une géométrie", "a member of a GeometryCollection is a geometry";
    JsonGeometry(kind: String): "« {kind} » n'est pas un type de géométrie", "\"{kind}\" is no type of geometry";
    JsonArrays: "des coordonnées sont des tableaux non vides", "coordinates are arrays that are not empty";
    JsonNumbers: "des coordonnées sont des nombres", "coordinates are numbers";
    JsonPosition: "une position a deux ou trois coordonnées", "a position has two or three coordinates";
}

impl fmt::Display for Reason {
    /// English, for the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_stand_inside_each_other_in_one_language() {
        let inner = Reason::Incomparable(Box::new(Reason::AText), Box::new(Reason::ANumber));
        let reason = Reason::At(7, Box::new(inner));
        assert_eq!(reason.text(true), "au caractère 7, un texte ne se compare pas à un nombre");
        assert_eq!(reason.to_string(), "at character 7, a text cannot be compared with a number");
    }
}
