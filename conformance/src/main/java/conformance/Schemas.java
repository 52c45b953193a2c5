package conformance;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Executors;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * A proxy for plain HTTP that answers with schemas and never forwards: those of a folder laid out as HOST/PATH, else those
 * that the suite brings along in its own catalogue. So the suite needs no network but the server's.
 */
final class Schemas {
    private static final String CATALOGUE = "/org/opengis/cite/iso19142/schema-catalog.xml";

    private final Map<String, URL> known = new HashMap<>();
    private final Path folder;
    private final TreeSet<String> missing = new TreeSet<>();

    private Schemas(Path folder) throws Exception {
        this.folder = folder;
        URL catalogue = Schemas.class.getResource(CATALOGUE);
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
        Document document;
        try (InputStream in = catalogue.openStream()) {
            document = factory.newDocumentBuilder().parse(in);
        }
        NodeList entries = document.getElementsByTagName("system");
        for (int i = 0; i < entries.getLength(); i++) {
            Element entry = (Element) entries.item(i);
            known.put(entry.getAttribute("systemId"), new URL(catalogue, entry.getAttribute("uri")));
        }
    }

    /** Starts the proxy and points this process's plain HTTP at it. */
    static Schemas serve(Path folder) throws Exception {
        Schemas schemas = new Schemas(folder);
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", schemas::answer);
        server.setExecutor(Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "schemas");
            thread.setDaemon(true);
            return thread;
        }));
        server.start();
        System.setProperty("http.proxyHost", server.getAddress().getAddress().getHostAddress());
        System.setProperty("http.proxyPort", Integer.toString(server.getAddress().getPort()));
        System.setProperty("http.nonProxyHosts", "");
        return schemas;
    }

    synchronized TreeSet<String> missing() {
        return new TreeSet<>(missing);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            URI uri = exchange.getRequestURI();
            String address = uri.getHost() == null
                    ? "http://" + exchange.getRequestHeaders().getFirst("Host") + uri.getPath()
                    : "http://" + uri.getHost() + uri.getPath();
            byte[] body = find(address);
            if (body == null) {
                synchronized (this) {
                    missing.add(address);
                }
                exchange.sendResponseHeaders(404, -1);
                return;
            }
            exchange.getResponseHeaders().set("Content-Type", "application/xml");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
        }
    }

    private byte[] find(String address) throws IOException {
        if (folder != null) {
            Path file = folder.resolve(address.substring("http://".length())).normalize();
            if (file.startsWith(folder.normalize()) && Files.isRegularFile(file)) {
                return Files.readAllBytes(file);
            }
        }
        URL resource = known.get(address);
        if (resource == null) {
            return null;
        }
        try (InputStream in = resource.openStream()) {
            return in.readAllBytes();
        }
    }
}
