// What the scripts share: one line a check, and how many failed.
let failures = 0;

export async function check(name, test) {
    let good, detail;
    try {
        [good, detail] = await test();
    } catch (e) {
        // A client that throws has failed.
        [good, detail] = [false, `${e?.name ?? ''}: ${e?.message ?? e}`];
    }
    if (!good) failures += 1;
    const text = typeof detail === 'string' ? detail : JSON.stringify(detail);
    console.log(good ? 'PASS' : 'FAIL', name, '|', String(text).replace(/\s+/g, ' ').slice(0, 300));
}

// The last line; the exit status is 1 when a check failed.
export function verdict(client) {
    console.log(client, '-', failures, 'failed');
    return failures > 0 ? 1 : 0;
}
