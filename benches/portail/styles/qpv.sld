<?xml version="1.0" encoding="UTF-8"?>
<StyledLayerDescriptor version="1.1.0" xmlns="http://www.opengis.net/sld" xmlns:se="http://www.opengis.net/se" xmlns:ogc="http://www.opengis.net/ogc">
  <NamedLayer>
    <se:Name>qpv</se:Name>
    <UserStyle>
      <se:Name>qpv</se:Name>
      <se:Description><se:Title>qpv</se:Title></se:Description>
      <se:FeatureTypeStyle>
        <se:Rule>
          <se:Name>contour</se:Name>
          <se:Description><se:Title>contour</se:Title></se:Description>
          
          <se:PolygonSymbolizer><se:Stroke><se:SvgParameter name="stroke">#c85a00</se:SvgParameter><se:SvgParameter name="stroke-width">2</se:SvgParameter></se:Stroke></se:PolygonSymbolizer>
        </se:Rule>
      </se:FeatureTypeStyle>
    </UserStyle>
  </NamedLayer>
</StyledLayerDescriptor>
