import { chai } from "vitest";

/**
 * Vitest books every asynchronous assertion on the test it believes to be running, and fails that
 * test when the assertion is not awaited by the time it ends. Among concurrent tests it believes
 * wrongly: an assertion of one is booked on another, which may end in the very microtask between
 * the assertion and its await. Concurrent tests therefore take no such bookings here; that every
 * promise is awaited is what the linter's `noFloatingPromises` checks, for all tests alike.
 */
interface BookedTest {
  concurrent?: boolean;
  promises?: unknown[];
  onFinished?: unknown[];
}

/** The test in everything but the bookings, which nobody reads. */
function unbooked(test: BookedTest): BookedTest {
  return Object.assign(Object.create(test), { promises: [], onFinished: [] });
}

chai.use((_chai, { overwriteMethod }) => {
  overwriteMethod(
    chai.Assertion.prototype,
    "withTest",
    (book: (this: unknown, test: BookedTest) => unknown) =>
      function (this: Chai.AssertionStatic, test: BookedTest) {
        return book.call(this, test.concurrent ? unbooked(test) : test);
      },
  );
});
