// Runs a map client in headless Chromium, which shows the certificate of the convention `mel`.
//
//   node page.mjs openlayers|arcgis
//
// Environment: SEUIL_URL (https://host:port), SEUIL_PKI (folder with ca.pem and mel/), CHROMIUM (default: what is in the path).
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { chromium } from 'playwright-core';

const here = path.dirname(fileURLToPath(import.meta.url));
const client = process.argv[2];
const url = process.env.SEUIL_URL.replace(/\/$/, '');
const pki = process.env.SEUIL_PKI;
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'seuil-page.'));
const executablePath = process.env.CHROMIUM || execFileSync('sh', ['-c', 'command -v chromium']).toString().trim();

const asFile = Object.fromEntries(['.png', '.svg', '.gif', '.ttf', '.woff', '.woff2', '.wasm'].map(e => [e, 'file']));
await esbuild.build({
    entryPoints: [path.join(here, `${client}.js`)],
    bundle: true, splitting: true, format: 'esm', outdir: path.join(work, 'dist'), loader: asFile, logLevel: 'error',
});

// The page comes from another origin than the portal, as a partner's portal does.
const types = { '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.wasm': 'application/wasm' };
const server = http.createServer((request, answer) => {
    const name = decodeURIComponent(request.url.split('?')[0]);
    if (name === '/') {
        answer.setHeader('content-type', 'text/html');
        return answer.end(`<!doctype html><meta charset="utf-8"><script>window.portal = ${JSON.stringify(url)}</script>
            <div id="map" style="width:600px;height:600px"></div><script type="module" src="/${client}.js"></script>`);
    }
    const own = name.startsWith('/modules/') ? path.join(here, 'node_modules', name.slice(9)) : path.join(work, 'dist', name);
    if (!fs.existsSync(own) || fs.statSync(own).isDirectory()) {
        answer.statusCode = 404;
        return answer.end();
    }
    answer.setHeader('content-type', types[path.extname(own)] || 'application/octet-stream');
    fs.createReadStream(own).pipe(answer);
});
await new Promise(ready => server.listen(0, '127.0.0.1', ready));

const context = await chromium.launchPersistentContext(path.join(work, 'profile'), {
    executablePath, headless: true, ignoreHTTPSErrors: true,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
    clientCertificates: [{ origin: url, certPath: path.join(pki, 'mel/client.pem'), keyPath: path.join(pki, 'mel/client.key') }],
});
let status = 1;
try {
    const page = await context.newPage();
    const over = new Promise(done => {
        page.on('console', message => {
            const text = message.text();
            if (/^(PASS|FAIL) /.test(text)) console.log(text);
            else if (message.type() === 'error' || process.env.VERBOSE) console.log('NOTE', text.slice(0, 300));
            if (text.startsWith('END ')) {
                status = Number(text.slice(4));
                done();
            }
        });
        setTimeout(() => {
            console.log('FAIL the page did not come to an end');
            done();
        }, Number(process.env.TIMEOUT || 240) * 1000);
    });
    page.on('pageerror', e => console.log('NOTE page error:', String(e).slice(0, 300)));
    if (process.env.VERBOSE) page.on('requestfailed', r => console.log('NOTE failed', r.url().slice(0, 200), r.failure()?.errorText));
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await over;
} finally {
    await context.close();
    server.close();
    fs.rmSync(work, { recursive: true, force: true });
}
console.log(client, status === 0 ? '- 0 failed' : '- failed');
process.exit(status);
