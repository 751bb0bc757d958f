import type { LockdCall } from "../api/lockd.ts";
import type {
  ChangeEvent,
  ChangeStream,
  ChangesRequest,
  NamesAnswer,
  NamesRequest,
  Observation,
  Overview,
  OverviewRequest,
} from "../api/observation.ts";
import type { LocalCarrier } from "./local-carrier.ts";

/** Milliseconds between two looks for a server that took the store over. */
const ownerLookMs = 200;

/** The observation facet of one store on this machine: its owner's, or this process's own. */
export class LocalObservation implements Observation {
  readonly #carrier: LocalCarrier;

  constructor(carrier: LocalCarrier) {
    this.#carrier = carrier;
  }

  overview(request: OverviewRequest, call?: LockdCall): Promise<Overview> {
    return this.#carrier.read("overview", call, ({ observation }, limited) =>
      observation.overview(request, limited),
    );
  }

  names(request: NamesRequest, call?: LockdCall): Promise<NamesAnswer> {
    return this.#carrier.read("names", call, ({ observation }, limited) =>
      observation.names(request, limited),
    );
  }

  /** Ends when a server takes the store over or leaves it; whoever asks again goes the new way. */
  async changes(request: ChangesRequest, call?: LockdCall): Promise<ChangeStream> {
    const owned = await this.#carrier.hasOwner();
    const stream = await this.#carrier.read("changes", call, ({ observation }, limited) =>
      observation.changes(request, limited),
    );
    const events = this.#whileTheSame(stream, owned);
    return {
      close: () => stream.close(),
      [Symbol.asyncIterator]: () => events,
    };
  }

  /** Also keeps the process alive while somebody reads. */
  async *#whileTheSame(stream: ChangeStream, owned: boolean): AsyncGenerator<ChangeEvent> {
    const release = this.#carrier.keepAwake();
    let timer: NodeJS.Timeout | undefined;
    let over = false;
    const look = async (): Promise<void> => {
      const same = (await this.#carrier.hasOwner()) === owned;
      if (over) return;
      if (same) arm();
      else await stream.close();
    };
    const arm = (): void => {
      timer = setTimeout(() => void look(), ownerLookMs);
    };
    arm();
    try {
      yield* stream;
    } finally {
      over = true;
      clearTimeout(timer);
      release();
      await stream.close();
    }
  }
}
