import { messageOf } from "#core/errors/component-error.ts";
import { appConfiguration } from "#core/kernel/app-configuration.ts";
import { appCoordination } from "#core/kernel/coordination.ts";
import { type Block, defineBlock } from "../_shared/define-block.ts";
import { appActors } from "./app-actors.ts";
import { appStreams } from "./app-streams.ts";
import { httpActorHost } from "./http-host.ts";
import { actorsHttp } from "./http.ts";
import { createReminders } from "./reminders.ts";
import { appTimers } from "./timer-operations.ts";
import { hostedTypes, type HostedTypes, readConfiguration } from "./settings.ts";

export const block: Block = defineBlock({
  name: "actors",
  http: [actorsHttp],
  forApp: (app, services) => {
    const actors = services.part(appActors)(app);
    // Before anything is hosted: they begin with it.
    services.part(appTimers)(app);
    actors.beside(createReminders(app, services));
    const { log } = services.platform;
    const fields = { app_id: app.appId };
    const typesOf = (): HostedTypes => {
      try {
        return hostedTypes(
          readConfiguration(app.part(appConfiguration).answer, (message) =>
            log.warn(message, fields),
          ),
        );
      } catch (reason) {
        log.error(`The app's actors are not hosted: ${messageOf(reason)}`, fields);
        return new Map();
      }
    };
    let isStarted = false;
    let hasBegun = false;
    function begin(): void {
      if (!isStarted || hasBegun || !app.part(appCoordination).source?.actors) return;
      hasBegun = true;
      const { channel, connection } = app;
      const isHttp = channel && !connection?.protocol.startsWith("grpc");
      if (isHttp) actors.begin(actors.host(typesOf(), httpActorHost(app, channel)));
      else app.part(appStreams).start(actors);
    }
    return {
      start: async () => {
        isStarted = true;
        begin();
      },
      follow: async () => {
        // Where owners can be kept only now.
        begin();
        await actors.follow();
      },
      stop: () => {
        isStarted = false;
        hasBegun = false;
        const stopped = actors.stop();
        app.part(appStreams).pause(stopped);
        return stopped;
      },
    };
  },
});
