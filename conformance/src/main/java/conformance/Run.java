package conformance;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.opengis.cite.iso19142.TestNGController;

/** Runs the suite against one server. Status 0: all that is claimed is tested and nothing failed; 1: not so; 2: misuse. */
public final class Run {
    private static final List<String> NEEDED = List.of("url", "certificate", "key", "ca", "skips", "out");

    private Run() {}

    /** {@code --url CAPABILITIES --certificate PEM --key PEM --ca PEM --skips FILE --out FOLDER [--schemas FOLDER]}. */
    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            options.put(arguments[i].replaceFirst("^--", ""), arguments[i + 1]);
        }
        if (!options.keySet().containsAll(NEEDED)) {
            System.err.println("needed: --" + String.join(" ... --", NEEDED) + " ... [--schemas FOLDER]");
            System.exit(2);
        }
        Path out = Files.createDirectories(Path.of(options.get("out"))).toAbsolutePath();
        Identity.assume(Path.of(options.get("certificate")), Path.of(options.get("key")), Path.of(options.get("ca")), out);
        String folder = options.get("schemas");
        Schemas schemas = Schemas.serve(folder == null ? null : Path.of(folder).toAbsolutePath());

        // Written without a document type: the suite's parser would fetch it.
        Path file = out.resolve("arguments.xml");
        String url = options.get("url").replace("&", "&amp;").replace("<", "&lt;");
        Files.writeString(file, "<properties version=\"1.0\"><entry key=\"wfs\">" + url + "</entry></properties>\n");

        PrintStream console = System.out;
        try (OutputStream log = Files.newOutputStream(out.resolve("suite.log"))) {
            System.setOut(new PrintStream(log, true));
            System.setErr(System.out);
            TestNGController.main(new String[] {"-o", out.toString(), file.toString()});
        } finally {
            System.setOut(console);
        }
        Path results;
        try (Stream<Path> files = Files.walk(out)) {
            results = files.filter(f -> f.endsWith("testng-results.xml")).reduce((a, b) -> newer(a, b) ? a : b).orElse(null);
        }
        if (results == null) {
            console.println("the suite left no results: see " + out.resolve("suite.log"));
            System.exit(1);
        }
        schemas.missing().forEach(address -> console.println("no schema    " + address));
        boolean good = Report.read(results, Path.of(options.get("skips"))).print(console);
        // Threads of the suite's HTTP library linger.
        System.exit(good ? 0 : 1);
    }

    private static boolean newer(Path a, Path b) {
        return a.toFile().lastModified() > b.toFile().lastModified();
    }
}
