<?xml version="1.0" encoding="UTF-8"?>
<StyledLayerDescriptor version="1.1.0" xmlns="http://www.opengis.net/sld" xmlns:se="http://www.opengis.net/se"
    xmlns:ogc="http://www.opengis.net/ogc" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:schemaLocation="http://www.opengis.net/sld http://schemas.opengis.net/sld/1.1.0/StyledLayerDescriptor.xsd">
  <NamedLayer>
    <se:Name>occupation_residence</se:Name>
    <UserStyle>
      <se:Name>occupation_residence</se:Name>
      <se:Description>
        <se:Title>Ménages très modestes par résidence</se:Title>
        <se:Abstract>Couleur : part des ménages sous 20 % des plafonds PLUS. Taille : nombre de ménages ayant répondu. Les lignes sous le secret statistique forment une classe à part.</se:Abstract>
      </se:Description>
      <se:FeatureTypeStyle>
        <se:Rule>
          <se:Name>secret</se:Name>
          <se:Description>
            <se:Title>Secret statistique</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:PropertyIsEqualTo>
              <ogc:PropertyName>statut</ogc:PropertyName>
              <ogc:Literal>secret</ogc:Literal>
            </ogc:PropertyIsEqualTo>
          </ogc:Filter>
          <se:MaxScaleDenominator>60000</se:MaxScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>square</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#ffffff</se:SvgParameter>
                  <se:SvgParameter name="fill-opacity">0.7</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#6e6e6e</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">1</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>6</se:Size>
              <se:Rotation>45</se:Rotation>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>non_disponible</se:Name>
          <se:Description>
            <se:Title>Donnée non disponible</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:PropertyIsEqualTo>
              <ogc:PropertyName>statut</ogc:PropertyName>
              <ogc:Literal>non_disponible</ogc:Literal>
            </ogc:PropertyIsEqualTo>
          </ogc:Filter>
          <se:MaxScaleDenominator>60000</se:MaxScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>square</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#b5b5b5</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#6e6e6e</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.6</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>6</se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>sans_objet</se:Name>
          <se:Description>
            <se:Title>Sans objet</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:PropertyIsEqualTo>
              <ogc:PropertyName>statut</ogc:PropertyName>
              <ogc:Literal>sans_objet</ogc:Literal>
            </ogc:PropertyIsEqualTo>
          </ogc:Filter>
          <se:MaxScaleDenominator>60000</se:MaxScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>x</se:WellKnownName>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#8a8a8a</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">1</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>6</se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>secret_loin</se:Name>
          <se:Description>
            <se:Title>Secret statistique</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:PropertyIsEqualTo>
              <ogc:PropertyName>statut</ogc:PropertyName>
              <ogc:Literal>secret</ogc:Literal>
            </ogc:PropertyIsEqualTo>
          </ogc:Filter>
          <se:MinScaleDenominator>60000</se:MinScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>square</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#ffffff</se:SvgParameter>
                  <se:SvgParameter name="fill-opacity">0.7</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#6e6e6e</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.5</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>2.6</se:Size>
              <se:Rotation>45</se:Rotation>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>non_disponible_loin</se:Name>
          <se:Description>
            <se:Title>Donnée non disponible</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:PropertyIsEqualTo>
              <ogc:PropertyName>statut</ogc:PropertyName>
              <ogc:Literal>non_disponible</ogc:Literal>
            </ogc:PropertyIsEqualTo>
          </ogc:Filter>
          <se:MinScaleDenominator>60000</se:MinScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>square</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#b5b5b5</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#6e6e6e</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.6</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>2.6</se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>sans_objet_loin</se:Name>
          <se:Description>
            <se:Title>Sans objet</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:PropertyIsEqualTo>
              <ogc:PropertyName>statut</ogc:PropertyName>
              <ogc:Literal>sans_objet</ogc:Literal>
            </ogc:PropertyIsEqualTo>
          </ogc:Filter>
          <se:MinScaleDenominator>60000</se:MinScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>x</se:WellKnownName>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#8a8a8a</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">1</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>2.6</se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
      </se:FeatureTypeStyle>
      <se:FeatureTypeStyle>
        <se:Rule>
          <se:Name>classe_1</se:Name>
          <se:Description>
            <se:Title>Moins de 5 %</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:PropertyIsLessThan>
              <ogc:PropertyName>part_moins_20</ogc:PropertyName>
              <ogc:Literal>5</ogc:Literal>
            </ogc:PropertyIsLessThan>
          </ogc:Filter>
          <se:MaxScaleDenominator>60000</se:MaxScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>circle</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#feebe2</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#3d3d3d</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.8</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>
                <se:Interpolate fallbackValue="7" mode="linear" method="numeric">
                  <se:LookupValue>
                    <ogc:PropertyName>nb_menages</ogc:PropertyName>
                  </se:LookupValue>
                  <se:InterpolationPoint>
                    <se:Data>11</se:Data>
                    <se:Value>7</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>50</se:Data>
                    <se:Value>12</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>150</se:Data>
                    <se:Value>18</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>400</se:Data>
                    <se:Value>28</se:Value>
                  </se:InterpolationPoint>
                </se:Interpolate>
              </se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>classe_2</se:Name>
          <se:Description>
            <se:Title>De 5 à moins de 10 %</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:And>
              <ogc:PropertyIsGreaterThanOrEqualTo>
                <ogc:PropertyName>part_moins_20</ogc:PropertyName>
                <ogc:Literal>5</ogc:Literal>
              </ogc:PropertyIsGreaterThanOrEqualTo>
              <ogc:PropertyIsLessThan>
                <ogc:PropertyName>part_moins_20</ogc:PropertyName>
                <ogc:Literal>10</ogc:Literal>
              </ogc:PropertyIsLessThan>
            </ogc:And>
          </ogc:Filter>
          <se:MaxScaleDenominator>60000</se:MaxScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>circle</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#fbb4b9</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#3d3d3d</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.8</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>
                <se:Interpolate fallbackValue="7" mode="linear" method="numeric">
                  <se:LookupValue>
                    <ogc:PropertyName>nb_menages</ogc:PropertyName>
                  </se:LookupValue>
                  <se:InterpolationPoint>
                    <se:Data>11</se:Data>
                    <se:Value>7</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>50</se:Data>
                    <se:Value>12</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>150</se:Data>
                    <se:Value>18</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>400</se:Data>
                    <se:Value>28</se:Value>
                  </se:InterpolationPoint>
                </se:Interpolate>
              </se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>classe_3</se:Name>
          <se:Description>
            <se:Title>De 10 à moins de 15 %</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:And>
              <ogc:PropertyIsGreaterThanOrEqualTo>
                <ogc:PropertyName>part_moins_20</ogc:PropertyName>
                <ogc:Literal>10</ogc:Literal>
              </ogc:PropertyIsGreaterThanOrEqualTo>
              <ogc:PropertyIsLessThan>
                <ogc:PropertyName>part_moins_20</ogc:PropertyName>
                <ogc:Literal>15</ogc:Literal>
              </ogc:PropertyIsLessThan>
            </ogc:And>
          </ogc:Filter>
          <se:MaxScaleDenominator>60000</se:MaxScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>circle</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#f768a1</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#3d3d3d</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.8</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>
                <se:Interpolate fallbackValue="7" mode="linear" method="numeric">
                  <se:LookupValue>
                    <ogc:PropertyName>nb_menages</ogc:PropertyName>
                  </se:LookupValue>
                  <se:InterpolationPoint>
                    <se:Data>11</se:Data>
                    <se:Value>7</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>50</se:Data>
                    <se:Value>12</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>150</se:Data>
                    <se:Value>18</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>400</se:Data>
                    <se:Value>28</se:Value>
                  </se:InterpolationPoint>
                </se:Interpolate>
              </se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>classe_4</se:Name>
          <se:Description>
            <se:Title>De 15 à moins de 25 %</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:And>
              <ogc:PropertyIsGreaterThanOrEqualTo>
                <ogc:PropertyName>part_moins_20</ogc:PropertyName>
                <ogc:Literal>15</ogc:Literal>
              </ogc:PropertyIsGreaterThanOrEqualTo>
              <ogc:PropertyIsLessThan>
                <ogc:PropertyName>part_moins_20</ogc:PropertyName>
                <ogc:Literal>25</ogc:Literal>
              </ogc:PropertyIsLessThan>
            </ogc:And>
          </ogc:Filter>
          <se:MaxScaleDenominator>60000</se:MaxScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>circle</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#c51b8a</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#3d3d3d</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.8</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>
                <se:Interpolate fallbackValue="7" mode="linear" method="numeric">
                  <se:LookupValue>
                    <ogc:PropertyName>nb_menages</ogc:PropertyName>
                  </se:LookupValue>
                  <se:InterpolationPoint>
                    <se:Data>11</se:Data>
                    <se:Value>7</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>50</se:Data>
                    <se:Value>12</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>150</se:Data>
                    <se:Value>18</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>400</se:Data>
                    <se:Value>28</se:Value>
                  </se:InterpolationPoint>
                </se:Interpolate>
              </se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>classe_5</se:Name>
          <se:Description>
            <se:Title>25 % et plus</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:PropertyIsGreaterThanOrEqualTo>
              <ogc:PropertyName>part_moins_20</ogc:PropertyName>
              <ogc:Literal>25</ogc:Literal>
            </ogc:PropertyIsGreaterThanOrEqualTo>
          </ogc:Filter>
          <se:MaxScaleDenominator>60000</se:MaxScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>circle</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#7a0177</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#3d3d3d</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.8</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>
                <se:Interpolate fallbackValue="7" mode="linear" method="numeric">
                  <se:LookupValue>
                    <ogc:PropertyName>nb_menages</ogc:PropertyName>
                  </se:LookupValue>
                  <se:InterpolationPoint>
                    <se:Data>11</se:Data>
                    <se:Value>7</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>50</se:Data>
                    <se:Value>12</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>150</se:Data>
                    <se:Value>18</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>400</se:Data>
                    <se:Value>28</se:Value>
                  </se:InterpolationPoint>
                </se:Interpolate>
              </se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>non_diffuse</se:Name>
          <se:Description>
            <se:Title>Indicateur non diffusé</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:And>
              <ogc:PropertyIsEqualTo>
                <ogc:PropertyName>statut</ogc:PropertyName>
                <ogc:Literal>diffuse</ogc:Literal>
              </ogc:PropertyIsEqualTo>
              <ogc:PropertyIsNull>
                <ogc:PropertyName>part_moins_20</ogc:PropertyName>
              </ogc:PropertyIsNull>
            </ogc:And>
          </ogc:Filter>
          <se:MaxScaleDenominator>60000</se:MaxScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>circle</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#d9d9d9</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#8a8a8a</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.7</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>
                <se:Interpolate fallbackValue="7" mode="linear" method="numeric">
                  <se:LookupValue>
                    <ogc:PropertyName>nb_menages</ogc:PropertyName>
                  </se:LookupValue>
                  <se:InterpolationPoint>
                    <se:Data>11</se:Data>
                    <se:Value>7</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>50</se:Data>
                    <se:Value>12</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>150</se:Data>
                    <se:Value>18</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>400</se:Data>
                    <se:Value>28</se:Value>
                  </se:InterpolationPoint>
                </se:Interpolate>
              </se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>classe_1_loin</se:Name>
          <se:Description>
            <se:Title>Moins de 5 %</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:PropertyIsLessThan>
              <ogc:PropertyName>part_moins_20</ogc:PropertyName>
              <ogc:Literal>5</ogc:Literal>
            </ogc:PropertyIsLessThan>
          </ogc:Filter>
          <se:MinScaleDenominator>60000</se:MinScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>circle</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#feebe2</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#3d3d3d</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.6</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>
                <se:Interpolate fallbackValue="4.5" mode="linear" method="numeric">
                  <se:LookupValue>
                    <ogc:PropertyName>nb_menages</ogc:PropertyName>
                  </se:LookupValue>
                  <se:InterpolationPoint>
                    <se:Data>11</se:Data>
                    <se:Value>3.5</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>50</se:Data>
                    <se:Value>5.5</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>150</se:Data>
                    <se:Value>9</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>400</se:Data>
                    <se:Value>14</se:Value>
                  </se:InterpolationPoint>
                </se:Interpolate>
              </se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>classe_2_loin</se:Name>
          <se:Description>
            <se:Title>De 5 à moins de 10 %</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:And>
              <ogc:PropertyIsGreaterThanOrEqualTo>
                <ogc:PropertyName>part_moins_20</ogc:PropertyName>
                <ogc:Literal>5</ogc:Literal>
              </ogc:PropertyIsGreaterThanOrEqualTo>
              <ogc:PropertyIsLessThan>
                <ogc:PropertyName>part_moins_20</ogc:PropertyName>
                <ogc:Literal>10</ogc:Literal>
              </ogc:PropertyIsLessThan>
            </ogc:And>
          </ogc:Filter>
          <se:MinScaleDenominator>60000</se:MinScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>circle</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#fbb4b9</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#3d3d3d</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.6</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>
                <se:Interpolate fallbackValue="4.5" mode="linear" method="numeric">
                  <se:LookupValue>
                    <ogc:PropertyName>nb_menages</ogc:PropertyName>
                  </se:LookupValue>
                  <se:InterpolationPoint>
                    <se:Data>11</se:Data>
                    <se:Value>3.5</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>50</se:Data>
                    <se:Value>5.5</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>150</se:Data>
                    <se:Value>9</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>400</se:Data>
                    <se:Value>14</se:Value>
                  </se:InterpolationPoint>
                </se:Interpolate>
              </se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>classe_3_loin</se:Name>
          <se:Description>
            <se:Title>De 10 à moins de 15 %</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:And>
              <ogc:PropertyIsGreaterThanOrEqualTo>
                <ogc:PropertyName>part_moins_20</ogc:PropertyName>
                <ogc:Literal>10</ogc:Literal>
              </ogc:PropertyIsGreaterThanOrEqualTo>
              <ogc:PropertyIsLessThan>
                <ogc:PropertyName>part_moins_20</ogc:PropertyName>
                <ogc:Literal>15</ogc:Literal>
              </ogc:PropertyIsLessThan>
            </ogc:And>
          </ogc:Filter>
          <se:MinScaleDenominator>60000</se:MinScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>circle</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#f768a1</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#3d3d3d</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.6</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>
                <se:Interpolate fallbackValue="4.5" mode="linear" method="numeric">
                  <se:LookupValue>
                    <ogc:PropertyName>nb_menages</ogc:PropertyName>
                  </se:LookupValue>
                  <se:InterpolationPoint>
                    <se:Data>11</se:Data>
                    <se:Value>3.5</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>50</se:Data>
                    <se:Value>5.5</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>150</se:Data>
                    <se:Value>9</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>400</se:Data>
                    <se:Value>14</se:Value>
                  </se:InterpolationPoint>
                </se:Interpolate>
              </se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>classe_4_loin</se:Name>
          <se:Description>
            <se:Title>De 15 à moins de 25 %</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:And>
              <ogc:PropertyIsGreaterThanOrEqualTo>
                <ogc:PropertyName>part_moins_20</ogc:PropertyName>
                <ogc:Literal>15</ogc:Literal>
              </ogc:PropertyIsGreaterThanOrEqualTo>
              <ogc:PropertyIsLessThan>
                <ogc:PropertyName>part_moins_20</ogc:PropertyName>
                <ogc:Literal>25</ogc:Literal>
              </ogc:PropertyIsLessThan>
            </ogc:And>
          </ogc:Filter>
          <se:MinScaleDenominator>60000</se:MinScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>circle</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#c51b8a</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#3d3d3d</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.6</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>
                <se:Interpolate fallbackValue="4.5" mode="linear" method="numeric">
                  <se:LookupValue>
                    <ogc:PropertyName>nb_menages</ogc:PropertyName>
                  </se:LookupValue>
                  <se:InterpolationPoint>
                    <se:Data>11</se:Data>
                    <se:Value>3.5</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>50</se:Data>
                    <se:Value>5.5</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>150</se:Data>
                    <se:Value>9</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>400</se:Data>
                    <se:Value>14</se:Value>
                  </se:InterpolationPoint>
                </se:Interpolate>
              </se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>classe_5_loin</se:Name>
          <se:Description>
            <se:Title>25 % et plus</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:PropertyIsGreaterThanOrEqualTo>
              <ogc:PropertyName>part_moins_20</ogc:PropertyName>
              <ogc:Literal>25</ogc:Literal>
            </ogc:PropertyIsGreaterThanOrEqualTo>
          </ogc:Filter>
          <se:MinScaleDenominator>60000</se:MinScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>circle</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#7a0177</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#3d3d3d</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.6</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>
                <se:Interpolate fallbackValue="4.5" mode="linear" method="numeric">
                  <se:LookupValue>
                    <ogc:PropertyName>nb_menages</ogc:PropertyName>
                  </se:LookupValue>
                  <se:InterpolationPoint>
                    <se:Data>11</se:Data>
                    <se:Value>3.5</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>50</se:Data>
                    <se:Value>5.5</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>150</se:Data>
                    <se:Value>9</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>400</se:Data>
                    <se:Value>14</se:Value>
                  </se:InterpolationPoint>
                </se:Interpolate>
              </se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
        <se:Rule>
          <se:Name>non_diffuse_loin</se:Name>
          <se:Description>
            <se:Title>Indicateur non diffusé</se:Title>
          </se:Description>
          <ogc:Filter>
            <ogc:And>
              <ogc:PropertyIsEqualTo>
                <ogc:PropertyName>statut</ogc:PropertyName>
                <ogc:Literal>diffuse</ogc:Literal>
              </ogc:PropertyIsEqualTo>
              <ogc:PropertyIsNull>
                <ogc:PropertyName>part_moins_20</ogc:PropertyName>
              </ogc:PropertyIsNull>
            </ogc:And>
          </ogc:Filter>
          <se:MinScaleDenominator>60000</se:MinScaleDenominator>
          <se:PointSymbolizer>
            <se:Graphic>
              <se:Mark>
                <se:WellKnownName>circle</se:WellKnownName>
                <se:Fill>
                  <se:SvgParameter name="fill">#d9d9d9</se:SvgParameter>
                </se:Fill>
                <se:Stroke>
                  <se:SvgParameter name="stroke">#8a8a8a</se:SvgParameter>
                  <se:SvgParameter name="stroke-width">0.7</se:SvgParameter>
                </se:Stroke>
              </se:Mark>
              <se:Size>
                <se:Interpolate fallbackValue="4.5" mode="linear" method="numeric">
                  <se:LookupValue>
                    <ogc:PropertyName>nb_menages</ogc:PropertyName>
                  </se:LookupValue>
                  <se:InterpolationPoint>
                    <se:Data>11</se:Data>
                    <se:Value>3.5</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>50</se:Data>
                    <se:Value>5.5</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>150</se:Data>
                    <se:Value>9</se:Value>
                  </se:InterpolationPoint>
                  <se:InterpolationPoint>
                    <se:Data>400</se:Data>
                    <se:Value>14</se:Value>
                  </se:InterpolationPoint>
                </se:Interpolate>
              </se:Size>
            </se:Graphic>
          </se:PointSymbolizer>
        </se:Rule>
      </se:FeatureTypeStyle>
    </UserStyle>
  </NamedLayer>
</StyledLayerDescriptor>
