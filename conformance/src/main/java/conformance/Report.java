package conformance;

import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** What the suite found, against what it may leave out. */
final class Report {
    private static final String PACKAGE = "org.opengis.cite.";

    private int passed;
    private final List<String> failed = new ArrayList<>();
    /** Skipped where nobody expects it: a class that is claimed and was not tested. */
    private final TreeMap<String, Integer> unexpected = new TreeMap<>();
    private final TreeMap<String, Integer> expected = new TreeMap<>();

    /**
     * Reads the results.
     *
     * @param results {@code testng-results.xml}
     * @param skips lines {@code conformance class or test class | reason}: what is not claimed
     */
    static Report read(Path results, Path skips) throws Exception {
        Map<String, String> allowed = new LinkedHashMap<>();
        for (String line : Files.readAllLines(skips)) {
            if (!line.isBlank() && !line.startsWith("#")) {
                String[] parts = line.split("\\|", 2);
                allowed.put(parts[0].strip(), parts[1].strip());
            }
        }
        Report report = new Report();
        Document document = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(results.toFile());
        for (Element test : all(document.getDocumentElement(), "test")) {
            for (Element type : all(test, "class")) {
                for (Element method : all(type, "test-method")) {
                    report.add(test.getAttribute("name"), type.getAttribute("name"), method, allowed);
                }
            }
        }
        return report;
    }

    private void add(String group, String type, Element method, Map<String, String> allowed) {
        if ("true".equals(method.getAttribute("is-config"))) {
            return;
        }
        String name = type.startsWith(PACKAGE) ? type.substring(PACKAGE.length()) : type;
        String reason = allowed.getOrDefault(group, allowed.get(name));
        switch (method.getAttribute("status")) {
            case "PASS" -> passed++;
            case "SKIP" -> {
                if (reason == null) {
                    unexpected.merge("[" + group + "] " + name + "#" + method.getAttribute("name"), 1, Integer::sum);
                } else {
                    expected.merge(allowed.containsKey(group) ? group : name, 1, Integer::sum);
                }
            }
            default -> failed.add("[" + group + "] " + name + "#" + method.getAttribute("name") + " " + message(method));
        }
    }

    private static String message(Element method) {
        List<Element> messages = all(method, "message");
        String text = messages.isEmpty() ? "" : messages.get(0).getTextContent().replaceAll("\\s+", " ").strip();
        return text.length() > 400 ? text.substring(0, 400) + "…" : text;
    }

    private static List<Element> all(Element parent, String name) {
        NodeList nodes = parent.getElementsByTagName(name);
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            elements.add((Element) nodes.item(i));
        }
        return elements;
    }

    /** Prints it; true when nothing failed and nothing was left out that is claimed. */
    boolean print(PrintStream out) {
        failed.forEach(line -> out.println("FAILED      " + line));
        unexpected.forEach((name, count) -> out.println("NOT TESTED  " + name + " (" + count + ")"));
        expected.forEach((name, count) -> out.println("not claimed " + name + " (" + count + ")"));
        int skipped = expected.values().stream().mapToInt(Integer::intValue).sum();
        int left = unexpected.values().stream().mapToInt(Integer::intValue).sum();
        out.println(passed + " passed, " + failed.size() + " failed, " + left + " not tested, " + skipped + " skipped");
        return passed > 0 && failed.isEmpty() && unexpected.isEmpty();
    }
}
