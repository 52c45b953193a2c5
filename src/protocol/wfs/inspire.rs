//! INSPIRE's extension for download services (Technical Guidance 3.1, requirements 49 to 57), where the configuration asks for it:
//! each layer is a data set. Its other half is the stored query `GetSpatialDataSet`.

use crate::protocol::{Context, metadata};
use minijinja::{Value, context};

/// Languages of the service (ISO 639-2/B), the default first.
pub(super) const LANGUAGES: [&str; 2] = ["fre", "eng"];

/// What `inspire_dls:ExtendedCapabilities` says: where the record of the service lies, the languages, the data sets.
pub(super) fn extension(context: &Context) -> Value {
    let catalogue = &context.site.catalogue;
    let record = |id: &str| metadata::address(&context.base_url, &catalogue.service, id);
    context! {
        record => record(metadata::SERVICE),
        languages => LANGUAGES,
        language => LANGUAGES[usize::from(!context.french)],
        namespace => &catalogue.service.namespace,
        sets => catalogue.layers().iter().map(|l| vec![l.name.clone(), record(&l.name)]).collect::<Vec<_>>(),
    }
}

#[cfg(test)]
mod tests {
    use crate::protocol::wfs::testing::{Bench, get};
    use std::sync::Arc;

    const CAPABILITIES: &str = "SERVICE=WFS&VERSION=2.0.0&REQUEST=GetCapabilities";
    const SET: &str = "SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&STOREDQUERY_ID=\
                       http://inspire.ec.europa.eu/operation/download/GetSpatialDataSet";

    fn bench() -> Bench {
        let mut bench = Bench::new();
        Arc::make_mut(&mut bench.site).inspire = true;
        bench
    }

    #[test]
    fn capabilities_name_record_languages_and_data_sets() {
        let b = bench();
        let text = b.text(CAPABILITIES);
        for needed in [
            "<inspire_common:URL>https://portail.example/metadata/service.xml</inspire_common:URL>",
            "<inspire_common:ResponseLanguage>\n          <inspire_common:Language>fre<",
            "<inspire_common:Code>parc_commune</inspire_common:Code>",
            "metadataURL=\"https://portail.example/metadata/parc_commune.xml\"",
        ] {
            assert!(text.contains(needed), "{needed} in {text}");
        }
        let sets = text.matches("<inspire_dls:SpatialDataSetIdentifier ").count();
        assert_eq!(sets, b.site.catalogue.layers().len());
    }

    #[test]
    fn the_stored_query_hands_out_a_data_set_in_any_crs() {
        let b = bench();
        let set = b.text(&format!("{SET}&CRS=urn:ogc:def:crs:EPSG::4258&DataSetIdCode=parc_iris&Language=eng"));
        assert!(set.contains("<wfs:FeatureCollection") && set.contains("gml:id=\"parc_iris."), "{set}");
        assert!(set.contains("srsName=\"urn:ogc:def:crs:EPSG::4258\""), "{set}");
        for (wrong, locator) in [
            ("DataSetIdCode=jamais", "TYPENAMES"),
            ("DataSetIdCode=parc_iris&DataSetIdNamespace=urn:x", "DataSetIdNamespace"),
            ("DataSetIdCode=parc_iris&CRS=EPSG:1", "SRSNAME"),
            ("DataSetIdCode=parc_iris&Language=xyz", "Language"),
            ("CRS=EPSG:2154", "DataSetIdCode"),
        ] {
            let (status, _, text) = b.answer(&get(&format!("{SET}&{wrong}")));
            assert!(status == 400 && text.contains(locator), "{wrong}: {text}");
        }
    }

    #[test]
    fn nothing_of_it_is_there_unless_it_is_switched_on() {
        let (on, off) = (bench(), Bench::new());
        let list = "SERVICE=WFS&VERSION=2.0.0&REQUEST=ListStoredQueries";
        assert!(on.text(list).contains("GetSpatialDataSet") && !off.text(list).contains("GetSpatialDataSet"));
        assert!(!off.text(CAPABILITIES).contains("inspire"));
        assert_eq!(off.answer(&get(&format!("{SET}&DataSetIdCode=parc_iris"))).0, 400);
        let described = on.text("SERVICE=WFS&VERSION=2.0.0&REQUEST=DescribeStoredQueries");
        for parameter in ["CRS", "DataSetIdCode", "DataSetIdNamespace", "Language"] {
            assert!(described.contains(&format!("<wfs:Parameter name=\"{parameter}\"")), "{parameter}");
        }
    }
}
