//! Definitions of the CRS as ESRI writes them (`.prj`): easting or longitude first.

use super::Crs;

/// GRS 80 under RGF93, the datum of three of them.
macro_rules! rgf93 {
    () => {
        "GEOGCS[\"GCS_RGF_1993\",DATUM[\"D_RGF_1993\",SPHEROID[\"GRS_1980\",6378137.0,298.257222101]],\
         PRIMEM[\"Greenwich\",0.0],UNIT[\"Degree\",0.0174532925199433]]"
    };
}

macro_rules! wgs84 {
    () => {
        "GEOGCS[\"GCS_WGS_1984\",DATUM[\"D_WGS_1984\",SPHEROID[\"WGS_1984\",6378137.0,298.257223563]],\
         PRIMEM[\"Greenwich\",0.0],UNIT[\"Degree\",0.0174532925199433]]"
    };
}

impl Crs {
    /// Well-known text of ESRI.
    pub fn esri_wkt(self) -> &'static str {
        match self {
            Crs::Lambert93 => concat!(
                "PROJCS[\"RGF_1993_Lambert_93\",",
                rgf93!(),
                ",PROJECTION[\"Lambert_Conformal_Conic\"],PARAMETER[\"False_Easting\",700000.0]",
                ",PARAMETER[\"False_Northing\",6600000.0],PARAMETER[\"Central_Meridian\",3.0]",
                ",PARAMETER[\"Standard_Parallel_1\",49.0],PARAMETER[\"Standard_Parallel_2\",44.0]",
                ",PARAMETER[\"Latitude_Of_Origin\",46.5],UNIT[\"Meter\",1.0]]",
            ),
            Crs::Cc50 => concat!(
                "PROJCS[\"RGF_1993_CC50\",",
                rgf93!(),
                ",PROJECTION[\"Lambert_Conformal_Conic\"],PARAMETER[\"False_Easting\",1700000.0]",
                ",PARAMETER[\"False_Northing\",9200000.0],PARAMETER[\"Central_Meridian\",3.0]",
                ",PARAMETER[\"Standard_Parallel_1\",49.25],PARAMETER[\"Standard_Parallel_2\",50.75]",
                ",PARAMETER[\"Latitude_Of_Origin\",50.0],UNIT[\"Meter\",1.0]]",
            ),
            Crs::Rgf93 => rgf93!(),
            Crs::Etrs89 => {
                "GEOGCS[\"GCS_ETRS_1989\",DATUM[\"D_ETRS_1989\",SPHEROID[\"GRS_1980\",6378137.0,298.257222101]],PRIMEM[\"Greenwich\",0.0],UNIT[\"Degree\",0.0174532925199433]]"
            }
            Crs::Wgs84 | Crs::Crs84 => wgs84!(),
            Crs::WebMercator => concat!(
                "PROJCS[\"WGS_1984_Web_Mercator_Auxiliary_Sphere\",",
                wgs84!(),
                ",PROJECTION[\"Mercator_Auxiliary_Sphere\"],PARAMETER[\"False_Easting\",0.0]",
                ",PARAMETER[\"False_Northing\",0.0],PARAMETER[\"Central_Meridian\",0.0]",
                ",PARAMETER[\"Standard_Parallel_1\",0.0],PARAMETER[\"Auxiliary_Sphere_Type\",0.0]",
                ",UNIT[\"Meter\",1.0]]",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gdal::spatial_ref::SpatialRef;

    #[test]
    fn gdal_knows_every_definition() {
        for crs in Crs::ALL {
            let read = SpatialRef::from_wkt(crs.esri_wkt()).unwrap();
            let mut wanted = SpatialRef::from_epsg(crs.epsg().unwrap_or(4326)).unwrap();
            wanted.set_axis_mapping_strategy(gdal::spatial_ref::AxisMappingStrategy::TraditionalGisOrder);
            let plain =
                |s: &SpatialRef| s.to_proj4().unwrap().replace("+type=crs", "").replace(" +towgs84=0,0,0,0,0,0,0", "");
            assert_eq!(plain(&read).trim(), plain(&wanted).trim(), "{crs:?}");
        }
    }
}
