"""What the client scripts share: one line a check, and how many failed."""
failures = 0


def check(name, test):
    global failures
    try:
        good, detail = test()
    except Exception as e:  # A client that raises has failed.
        good, detail = False, f"{type(e).__name__}: {e}".replace("\n", " ")[:300]
    failures += not good
    print(("PASS" if good else "FAIL"), name, "|", detail, flush=True)


def verdict(client):
    """The last line; the exit status is 1 when a check failed."""
    print(client, "-", failures, "failed")
    return int(failures > 0)
