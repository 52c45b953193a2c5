-- Categories withheld in zone rows that are shown: which ones a row says itself, and the rule of each row.

-- Names of the columns withheld, with blanks between; null: none.
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['occupation', 'attributions'] LOOP
        EXECUTE format('ALTER TABLE pub.%1$s_commune ADD COLUMN categories_masquees text COLLATE "C";
                        ALTER TABLE pub.%1$s_iris ADD COLUMN categories_masquees text COLLATE "C";
                        ALTER TABLE pub.%1$s_qpv ADD COLUMN categories_masquees text COLLATE "C"', t);
    END LOOP;
END
$$;

CREATE FUNCTION pub.masquee(p_liste text, p_colonne text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(position(' ' || p_colonne || ' ' IN ' ' || p_liste || ' ') > 0, false);

-- A category is null in exactly two cases: its family is not shown, or the row names it as withheld. Its share goes with it. Of
-- categories that add up to their denominator never one alone is withheld: the others would give it back.
DO $$
DECLARE
    c record;
    e text;
    regles text;
BEGIN
    FOR c IN
        SELECT theme, string_agg(format(
                   '(CASE WHEN %2$I IS NULL THEN NOT pub.masquee(categories_masquees, %1$L) '
                   'ELSE (%1$I IS NULL) = pub.masquee(categories_masquees, %1$L) END)%3$s', colonne, denominateur,
                   CASE WHEN part IS NOT NULL THEN format(' AND (%I IS NOT NULL OR %I IS NULL)', colonne, part) END), ' AND ') AS regles
        FROM (VALUES
            ('occupation', 'nb_moins_20', 'part_moins_20', 'nb_revenu_connu'),
            ('occupation', 'nb_20_40', 'part_20_40', 'nb_revenu_connu'),
            ('occupation', 'nb_40_60', 'part_40_60', 'nb_revenu_connu'),
            ('occupation', 'nb_60_100', 'part_60_100', 'nb_revenu_connu'),
            ('occupation', 'nb_plus_100', 'part_plus_100', 'nb_revenu_connu'),
            ('occupation', 'nb_isoles', 'part_isoles', 'nb_menages'),
            ('occupation', 'nb_couples_sans_enf', 'part_couples_sans_enf', 'nb_menages'),
            ('occupation', 'nb_couples_enf', 'part_couples_enf', 'nb_menages'),
            ('occupation', 'nb_monoparentales', 'part_monoparentales', 'nb_menages'),
            ('occupation', 'nb_autres_menages', NULL, 'nb_menages'),
            ('occupation', 'nb_3enf_plus', 'part_3enf_plus', 'nb_menages'),
            ('occupation', 'nb_apl', 'part_apl', 'nb_menages'),
            ('occupation', 'nb_tit_moins_30', 'part_tit_moins_30', 'nb_age_connu'),
            ('occupation', 'nb_tit_30_64', NULL, 'nb_age_connu'),
            ('occupation', 'nb_tit_65_plus', 'part_tit_65_plus', 'nb_age_connu'),
            ('occupation', 'nb_emploi_stable', 'part_emploi_stable', 'nb_adultes'),
            ('occupation', 'nb_emploi_precaire', 'part_emploi_precaire', 'nb_adultes'),
            ('occupation', 'nb_sans_emploi', 'part_sans_emploi', 'nb_adultes'),
            ('occupation', 'nb_emm_recents', 'part_emm_recents', 'nb_entree_connue'),
            ('attributions', 'nb_dalo', 'part_dalo', 'nb_attributions'),
            ('attributions', 'nb_prioritaires', 'part_prioritaires', 'nb_attributions'),
            ('attributions', 'nb_mutations', 'part_mutations', 'nb_attributions'),
            ('attributions', 'nb_action_logement', 'part_action_logement', 'nb_attributions'),
            ('attributions', 'nb_q1', 'part_q1', 'nb_revenu_connu'),
            ('attributions', 'nb_q1_hors_qpv', 'part_q1_hors_qpv', 'nb_rc_hors_qpv'),
            ('attributions', 'nb_q2_q4_qpv', 'part_q2_q4_qpv', 'nb_rc_qpv')
        ) v (theme, colonne, part, denominateur)
        GROUP BY theme
    LOOP
        regles := c.regles || ' AND (statut = ''diffuse'' OR categories_masquees IS NULL)';
        IF c.theme = 'occupation' THEN
            regles := regles || ' AND num_nulls(nb_moins_20, nb_20_40, nb_40_60, nb_60_100, nb_plus_100) <> 1'
                || ' AND num_nulls(nb_isoles, nb_couples_sans_enf, nb_couples_enf, nb_monoparentales, nb_autres_menages) <> 1'
                || ' AND num_nulls(nb_tit_moins_30, nb_tit_30_64, nb_tit_65_plus) <> 1';
        END IF;
        FOREACH e IN ARRAY ARRAY['commune', 'iris', 'qpv'] LOOP
            EXECUTE format('ALTER TABLE pub.%I ADD CONSTRAINT categories CHECK (%s)', c.theme || '_' || e, regles);
        END LOOP;
    END LOOP;
END
$$;
