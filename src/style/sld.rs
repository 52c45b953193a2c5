//! SLD 1.1 (OGC 05-078r4) with SE 1.1 (05-077r4) ▶ [`Style`].

use super::model::{
    Cap, Color, Condition, Curve, Fill, Graphic, Join, Label, Mark, Pass, Piece, Rule, Scaled, Size, Stroke, Style,
    Symbolizer,
};
use super::node::Node;
use super::{Resolver, StyleError, condition};
use crate::catalogue::Text;

/// Reads the document of one style.
pub fn style(root: &Node<'_>, name: &str, resolver: &mut Resolver<'_>) -> Result<Style, StyleError> {
    if root.name() != "StyledLayerDescriptor" {
        return Err(root.wrong("StyledLayerDescriptor is needed"));
    }
    let mut styles = Vec::new();
    for layer in root.children(&["NamedLayer"], &["version"])? {
        for child in layer.children(&["Name", "Description", "UserStyle"], &[])? {
            if child.name() == "UserStyle" {
                styles.push(child);
            }
        }
    }
    let [user] = styles.as_slice() else { return Err(root.wrong("exactly one UserStyle is needed")) };
    let mut found = (String::new(), Text::default(), Text::default());
    let mut passes = Vec::new();
    for child in user.children(&["Name", "Description", "IsDefault", "FeatureTypeStyle"], &[])? {
        match child.name() {
            "Name" => found.0 = child.leaf()?.to_owned(),
            "Description" => (found.1, found.2) = description(&child, resolver)?,
            "FeatureTypeStyle" => passes.push(pass(&child, resolver)?),
            _ => {}
        }
    }
    if found.0 != name {
        return Err(user.wrong(format!("the style is named {:?}, its file {name:?}", found.0)));
    }
    let mut names = std::collections::HashSet::new();
    if let Some(twice) = passes.iter().flat_map(|p| &p.rules).find(|r| !names.insert(r.name.as_str())) {
        return Err(user.wrong(format!("two rules are named {:?}", twice.name)));
    }
    Ok(Style { name: found.0, title: found.1, summary: found.2, passes, fields: resolver.used.clone() })
}

fn description(node: &Node<'_>, resolver: &Resolver<'_>) -> Result<(Text, Text), StyleError> {
    let mut out = (Text::default(), Text::default());
    for child in node.children(&["Title", "Abstract"], &[])? {
        let text = resolver.texts.translate(child.leaf()?);
        if child.name() == "Title" { out.0 = text } else { out.1 = text }
    }
    Ok(out)
}

fn pass(node: &Node<'_>, resolver: &mut Resolver<'_>) -> Result<Pass, StyleError> {
    let mut rules = Vec::new();
    for child in node.children(&["Name", "Description", "Rule"], &["version"])? {
        if child.name() == "Rule" {
            rules.push(rule(&child, resolver)?);
        }
    }
    Ok(Pass { rules })
}

fn rule(node: &Node<'_>, resolver: &mut Resolver<'_>) -> Result<Rule, StyleError> {
    let mut rule = Rule {
        name: String::new(),
        title: Text::default(),
        condition: Condition::Always,
        scales: (0.0, f64::INFINITY),
        symbolizers: Vec::new(),
    };
    let known = [
        "Name",
        "Description",
        "Filter",
        "ElseFilter",
        "MinScaleDenominator",
        "MaxScaleDenominator",
        "PolygonSymbolizer",
        "LineSymbolizer",
        "PointSymbolizer",
        "TextSymbolizer",
    ];
    for child in node.children(&known, &[])? {
        match child.name() {
            "Name" => rule.name = child.leaf()?.to_owned(),
            "Description" => rule.title = description(&child, resolver)?.0,
            "Filter" => rule.condition = Condition::Filter(condition::filter(&child, resolver)?),
            "ElseFilter" => rule.condition = Condition::Else,
            "MinScaleDenominator" => rule.scales.0 = child.number(0.0, 1e12)?,
            "MaxScaleDenominator" => rule.scales.1 = child.number(0.0, 1e12)?,
            "PolygonSymbolizer" => rule.symbolizers.push(polygon(&child, resolver)?),
            "LineSymbolizer" => rule.symbolizers.push(line(&child)?),
            "PointSymbolizer" => rule.symbolizers.push(point(&child, resolver)?),
            _ => rule.symbolizers.push(text(&child, resolver)?),
        }
    }
    if rule.name.is_empty() {
        return Err(node.wrong("a rule needs a Name"));
    }
    if rule.scales.0 >= rule.scales.1 {
        return Err(node.wrong("MinScaleDenominator must be less than MaxScaleDenominator"));
    }
    Ok(rule)
}

fn symbolizer<'a>(node: &Node<'a>, known: &[&str]) -> Result<Vec<Node<'a>>, StyleError> {
    let pixel = "http://www.opengeospatial.org/se/units/pixel";
    if node.element.attribute("uom").is_some_and(|u| u != pixel) {
        return Err(node.wrong("only pixels are understood as uom"));
    }
    node.children(known, &["uom", "name", "version"])
}

fn polygon(node: &Node<'_>, resolver: &mut Resolver<'_>) -> Result<Symbolizer, StyleError> {
    let (mut inside, mut border) = (None, None);
    for child in symbolizer(node, &["Fill", "Stroke"])? {
        match child.name() {
            "Fill" => inside = Some(fill(&child, resolver)?),
            _ => border = Some(stroke(&child)?),
        }
    }
    Ok(Symbolizer::Polygon { fill: inside, stroke: border })
}

fn line(node: &Node<'_>) -> Result<Symbolizer, StyleError> {
    match symbolizer(node, &["Stroke"])?.as_slice() {
        [one] => Ok(Symbolizer::Line(stroke(one)?)),
        _ => Err(node.wrong("a Stroke is needed")),
    }
}

fn point(node: &Node<'_>, resolver: &mut Resolver<'_>) -> Result<Symbolizer, StyleError> {
    match symbolizer(node, &["Graphic"])?.as_slice() {
        [one] => Ok(Symbolizer::Point(graphic(one, resolver)?)),
        _ => Err(node.wrong("a Graphic is needed")),
    }
}

/// `SvgParameter` elements as (name, node).
fn parameters<'a>(nodes: &[Node<'a>]) -> Result<Vec<(&'a str, Node<'a>)>, StyleError> {
    nodes
        .iter()
        .filter(|n| n.name() == "SvgParameter")
        .map(|n| {
            n.leaf()?;
            let name = n.element.attribute("name").ok_or_else(|| n.wrong("attribute name is needed"))?;
            Ok((name, n.clone()))
        })
        .collect()
}

fn unknown(node: &Node<'_>, name: &str) -> StyleError {
    node.wrong(format!("SvgParameter {name:?} is not understood"))
}

fn color(node: &Node<'_>) -> Result<Color, StyleError> {
    Color::parse(node.text()).ok_or_else(|| node.wrong("a colour is written #rrggbb"))
}

fn fill(node: &Node<'_>, resolver: &mut Resolver<'_>) -> Result<Fill, StyleError> {
    let children = node.children(&["GraphicFill", "SvgParameter"], &[])?;
    if let Some(g) = children.iter().find(|c| c.name() == "GraphicFill") {
        return match g.children(&["Graphic"], &[])?.as_slice() {
            [one] => {
                let graphic = graphic(one, resolver)?;
                if graphic.size.field().is_some() {
                    return Err(one.wrong("the size of a pattern must be a number"));
                }
                Ok(Fill::Pattern(graphic))
            }
            _ => Err(g.wrong("a Graphic is needed")),
        };
    }
    // SE §11.1.3: grey 50 %, opaque, when nothing is said.
    let (mut c, mut opacity) = (Color { r: 128, g: 128, b: 128 }, 1.0);
    for (name, p) in parameters(&children)? {
        match name {
            "fill" => c = color(&p)?,
            "fill-opacity" => opacity = p.number(0.0, 1.0)? as f32,
            other => return Err(unknown(&p, other)),
        }
    }
    Ok(Fill::Solid(c, opacity))
}

fn stroke(node: &Node<'_>) -> Result<Stroke, StyleError> {
    let children = node.children(&["SvgParameter"], &[])?;
    let mut s = Stroke {
        color: Color::default(),
        opacity: 1.0,
        width: 1.0,
        dashes: Vec::new(),
        cap: Cap::default(),
        join: Join::default(),
    };
    for (name, p) in parameters(&children)? {
        match name {
            "stroke" => s.color = color(&p)?,
            "stroke-opacity" => s.opacity = p.number(0.0, 1.0)? as f32,
            "stroke-width" => s.width = p.number(0.0, 50.0)? as f32,
            "stroke-dasharray" => {
                let parts = p.text().split([' ', ',']).filter(|d| !d.is_empty());
                s.dashes = parts.map(|d| p.number_in(d, 0.1, 200.0).map(|d| d as f32)).collect::<Result<_, _>>()?;
                if s.dashes.len() % 2 == 1 {
                    s.dashes.extend_from_within(..);
                }
            }
            "stroke-linecap" => {
                s.cap = match p.text() {
                    "butt" => Cap::Butt,
                    "round" => Cap::Round,
                    "square" => Cap::Square,
                    _ => return Err(p.wrong("butt, round or square is needed")),
                }
            }
            "stroke-linejoin" => {
                s.join = match p.text() {
                    "mitre" | "miter" => Join::Mitre,
                    "round" => Join::Round,
                    "bevel" => Join::Bevel,
                    _ => return Err(p.wrong("mitre, round or bevel is needed")),
                }
            }
            other => return Err(unknown(&p, other)),
        }
    }
    Ok(s)
}

fn graphic(node: &Node<'_>, resolver: &mut Resolver<'_>) -> Result<Graphic, StyleError> {
    // SE §11.3.2: a square of 6 pixels when nothing is said.
    let mut g = Graphic { mark: Mark::Square, fill: None, stroke: None, size: Size::Constant(6.0), rotation: 0.0 };
    let mut opacity = 1.0;
    for child in node.children(&["Mark", "Opacity", "Size", "Rotation"], &[])? {
        match child.name() {
            "Mark" => mark(&child, resolver, &mut g)?,
            "Opacity" => opacity = child.number(0.0, 1.0)? as f32,
            "Size" => g.size = size(&child, resolver)?,
            _ => g.rotation = child.number(-360.0, 360.0)? as f32,
        }
    }
    if let Some(f) = &mut g.fill {
        f.1 *= opacity;
    }
    if let Some(s) = &mut g.stroke {
        s.opacity *= opacity;
    }
    Ok(g)
}

fn mark(node: &Node<'_>, resolver: &mut Resolver<'_>, g: &mut Graphic) -> Result<(), StyleError> {
    for child in node.children(&["WellKnownName", "Fill", "Stroke"], &[])? {
        match child.name() {
            "WellKnownName" => {
                let name = child.leaf()?;
                g.mark = Mark::NAMES.iter().find(|(n, _)| *n == name).map(|(_, m)| *m).ok_or_else(|| {
                    let names: Vec<_> = Mark::NAMES.iter().map(|(n, _)| *n).collect();
                    child.wrong(format!("mark {name:?} is not known; known are: {}", names.join(", ")))
                })?;
            }
            "Fill" => match fill(&child, resolver)? {
                Fill::Solid(c, o) => g.fill = Some((c, o)),
                Fill::Pattern(_) => return Err(child.wrong("a mark is filled with one colour")),
            },
            _ => g.stroke = Some(stroke(&child)?),
        }
    }
    Ok(())
}

/// A number, `se:Interpolate` or `se:Categorize` of a field.
fn size(node: &Node<'_>, resolver: &mut Resolver<'_>) -> Result<Size, StyleError> {
    let children = node.children(&["Interpolate", "Categorize"], &[])?;
    let Some(f) = children.first() else { return Ok(Size::Constant(node.number(0.0, 200.0)? as f32)) };
    let fallback = f.element.attribute("fallbackValue").ok_or_else(|| f.wrong("attribute fallbackValue is needed"))?;
    let fallback = f.number_in(fallback, 0.0, 200.0)? as f32;
    if f.element.attribute("mode").is_some_and(|m| m != "linear")
        || f.element.attribute("method").is_some_and(|m| m != "numeric")
        || f.element.attribute("thresholdsBelongTo").is_some_and(|m| m != "succeeding")
    {
        return Err(f.wrong("only numeric, linear and succeeding are understood"));
    }
    let known = ["LookupValue", "InterpolationPoint", "Value", "Threshold"];
    let parts = f.children(&known, &["fallbackValue", "mode", "method", "thresholdsBelongTo"])?;
    let Some(lookup) = parts.first().filter(|l| l.name() == "LookupValue") else {
        return Err(f.wrong("a LookupValue is needed first"));
    };
    let lookup = match lookup.children(&["PropertyName", "ValueReference"], &[])?.as_slice() {
        [one] => resolver.number(one, one.leaf()?)?,
        _ => return Err(lookup.wrong("one property is needed")),
    };
    let curve = if f.name() == "Interpolate" { linear(f, &parts[1..])? } else { steps(f, &parts[1..])? };
    Ok(Size::Scaled(Scaled { field: lookup, fallback, curve }))
}

fn linear(f: &Node<'_>, parts: &[Node<'_>]) -> Result<Curve, StyleError> {
    let mut points: Vec<(f64, f32)> = Vec::new();
    for p in parts {
        let pair = p.children(&["Data", "Value"], &[])?;
        let ("InterpolationPoint", [data, value]) = (p.name(), pair.as_slice()) else {
            return Err(p.wrong("an InterpolationPoint with Data and Value is needed"));
        };
        let at = data.number(f64::MIN, f64::MAX)?;
        if points.last().is_some_and(|(before, _)| *before >= at) {
            return Err(p.wrong("Data must ascend"));
        }
        points.push((at, value.number(0.0, 200.0)? as f32));
    }
    if points.is_empty() { Err(f.wrong("an InterpolationPoint is needed")) } else { Ok(Curve::Linear(points)) }
}

fn steps(f: &Node<'_>, parts: &[Node<'_>]) -> Result<Curve, StyleError> {
    let Some((first, rest)) =
        parts.split_first().filter(|(first, rest)| first.name() == "Value" && rest.len() % 2 == 0)
    else {
        return Err(f.wrong("a Value is needed, then Threshold and Value in turn"));
    };
    let mut steps: Vec<(f64, f32)> = Vec::new();
    for pair in rest.chunks_exact(2) {
        let at = pair[0].number(f64::MIN, f64::MAX)?;
        if pair[0].name() != "Threshold" || pair[1].name() != "Value" || steps.last().is_some_and(|s| s.0 >= at) {
            return Err(pair[0].wrong("Threshold and Value must take turns, thresholds ascending"));
        }
        steps.push((at, pair[1].number(0.0, 200.0)? as f32));
    }
    Ok(Curve::Steps(first.number(0.0, 200.0)? as f32, steps))
}

fn text(node: &Node<'_>, resolver: &mut Resolver<'_>) -> Result<Symbolizer, StyleError> {
    // SE §11.4.4: black, 10 pixels; a point placement centres nothing by itself (anchor 0, 0.5).
    let mut label = Label {
        pieces: Vec::new(),
        size: 10.0,
        bold: false,
        color: Color::default(),
        opacity: 1.0,
        halo: None,
        anchor: (0.0, 0.5),
        displacement: (0.0, 0.0),
    };
    for child in symbolizer(node, &["Label", "Font", "LabelPlacement", "Halo", "Fill"])? {
        match child.name() {
            "Label" => {
                for piece in child.children(&["PropertyName", "ValueReference", "Literal"], &[])? {
                    label.pieces.push(match piece.name() {
                        // Not trimmed: a literal often is a blank between two fields.
                        "Literal" => Piece::Literal(piece.element.text.clone()),
                        _ => Piece::Field(resolver.field(&piece, piece.leaf()?)?.id),
                    });
                }
                if label.pieces.is_empty() || !child.text().is_empty() {
                    return Err(child.wrong("properties and literals are needed"));
                }
            }
            "Font" => font(&child, &mut label)?,
            "LabelPlacement" => placement(&child, &mut label)?,
            "Halo" => {
                let (mut radius, mut paint) = (1.0, (Color { r: 255, g: 255, b: 255 }, 1.0));
                for part in child.children(&["Radius", "Fill"], &[])? {
                    match (part.name(), part.name() == "Fill") {
                        (_, true) => match fill(&part, resolver)? {
                            Fill::Solid(c, o) => paint = (c, o),
                            Fill::Pattern(_) => return Err(part.wrong("a halo has one colour")),
                        },
                        _ => radius = part.number(0.0, 10.0)? as f32,
                    }
                }
                label.halo = Some((radius, paint.0, paint.1));
            }
            _ => match fill(&child, resolver)? {
                Fill::Solid(c, o) => (label.color, label.opacity) = (c, o),
                Fill::Pattern(_) => return Err(child.wrong("a text has one colour")),
            },
        }
    }
    if label.pieces.is_empty() {
        return Err(node.wrong("a Label is needed"));
    }
    Ok(Symbolizer::Text(Box::new(label)))
}

fn font(node: &Node<'_>, label: &mut Label) -> Result<(), StyleError> {
    let children = node.children(&["SvgParameter"], &[])?;
    for (name, p) in parameters(&children)? {
        match name {
            // One family is shipped; the parameter names it for clients that load the style.
            "font-family" => {}
            "font-size" => label.size = p.number(4.0, 100.0)? as f32,
            "font-weight" => {
                label.bold = match p.text() {
                    "normal" => false,
                    "bold" => true,
                    _ => return Err(p.wrong("normal or bold is needed")),
                }
            }
            other => return Err(unknown(&p, other)),
        }
    }
    Ok(())
}

fn placement(node: &Node<'_>, label: &mut Label) -> Result<(), StyleError> {
    let pair = |n: &Node<'_>, known: [&str; 2], bounds: f64| {
        let mut out = (0.0, 0.0);
        for c in n.children(&known, &[])? {
            let v = c.number(-bounds, bounds)? as f32;
            if c.name() == known[0] { out.0 = v } else { out.1 = v }
        }
        Ok::<_, StyleError>(out)
    };
    for point in node.children(&["PointPlacement"], &[])? {
        for child in point.children(&["AnchorPoint", "Displacement"], &[])? {
            match child.name() {
                "AnchorPoint" => label.anchor = pair(&child, ["AnchorPointX", "AnchorPointY"], 1.0)?,
                _ => label.displacement = pair(&child, ["DisplacementX", "DisplacementY"], 200.0)?,
            }
        }
    }
    Ok(())
}
