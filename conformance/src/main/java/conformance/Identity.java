package conformance;

import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.UUID;

/** Certificate, key and trusted CA, from the PEM files that the server's clients use, as this process's own. */
final class Identity {
    private Identity() {}

    /** Every HTTPS connection of this process shows the certificate from now on, and trusts the CA alone. */
    static void assume(Path certificate, Path key, Path authority, Path folder) throws Exception {
        char[] password = UUID.randomUUID().toString().toCharArray();
        KeyStore own = KeyStore.getInstance("PKCS12");
        own.load(null, null);
        own.setKeyEntry("client", key(key), password, certificates(certificate).toArray(new Certificate[0]));
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        for (Certificate each : certificates(authority)) {
            trusted.setCertificateEntry("ca" + trusted.size(), each);
        }
        store("javax.net.ssl.keyStore", own, password, folder.resolve("client.p12"));
        store("javax.net.ssl.trustStore", trusted, password, folder.resolve("ca.p12"));
    }

    private static void store(String property, KeyStore store, char[] password, Path file) throws Exception {
        try (OutputStream out = Files.newOutputStream(file)) {
            store.store(out, password);
        }
        file.toFile().deleteOnExit();
        System.setProperty(property, file.toString());
        System.setProperty(property + "Type", "PKCS12");
        System.setProperty(property + "Password", new String(password));
    }

    private static Collection<? extends Certificate> certificates(Path file) throws Exception {
        try (InputStream in = Files.newInputStream(file)) {
            return CertificateFactory.getInstance("X.509").generateCertificates(in);
        }
    }

    private static PrivateKey key(Path file) throws Exception {
        String text = Files.readString(file).replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
        PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text));
        for (String algorithm : new String[] {"EC", "RSA", "Ed25519"}) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(spec);
            } catch (InvalidKeySpecException other) {
                // The next one.
            }
        }
        throw new InvalidKeySpecException(file + ": a PKCS#8 key is needed (EC, RSA or Ed25519)");
    }
}
