// What the pages of campaigns ask of the graph.

const FACTS = `fragment Facts on Campaign {
  id name description kind status channels audience exclusions schedule goal tags triggerName priority throttlePerSecond controlShare
  ignoresCaps ignoresQuietHours sendsToUnsubscribed isTracked isRetained version failure scheduledAt startedAt completedAt createdAt updatedAt snapshotCursor
  topic { id name }
  contents { id number channel testGroup language name subject updatedAt }
  experiment {
    id name state sampleShare metric confidence automatic decidesAfterSeconds decidesAt winner decidedAt
    groups { position name share }
  }
  runs(first: 10) { totalCount nodes { id number occurrence state targeted prepared control awaitsWinner problems dueAt startedAt finishedAt } }
}`;

export const CAMPAIGNS = `query Campaigns($counts: Boolean!, $filter: CampaignFilter, $first: Int, $after: String, $last: Int, $before: String) {
  campaigns(filter: $filter, first: $first, after: $after, last: $last, before: $before, orderBy: UPDATED_NEWEST) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id name description kind status channels scheduledAt startedAt completedAt updatedAt ...Came }
  }
}
fragment Came on Campaign { metrics @include(if: $counts) { created sent humanOpened humanClicked skipped suppressed failed } }`;
export const CAMPAIGN = `query Campaign($id: ID!) { campaign(id: $id) { ...Facts } } ${FACTS}`;
export const PROGRESS = `subscription Progress($id: ID!, $after: String) {
  campaignProgress(campaignId: $id, after: $after) {
    __typename
    ... on FeedItem { cursor }
    ... on CampaignProgress { kind data }
  }
}`;
export const CREATE = "mutation CreateCampaign($input: CreateCampaignInput!) { createCampaign(input: $input) { campaign { id } } }";
export const UPDATE = "mutation UpdateCampaign($input: UpdateCampaignInput!) { updateCampaign(input: $input) { campaign { id updatedAt } } }";
export const DUPLICATE = "mutation DuplicateCampaign($input: DuplicateCampaignInput!) { duplicateCampaign(input: $input) { campaign { id } } }";
export const LAUNCH = "mutation LaunchCampaign($input: LaunchCampaignInput!) { launchCampaign(input: $input) { campaign { id status } } }";
export const DELETE = "mutation DeleteCampaign($input: CampaignInput!) { deleteCampaign(input: $input) { campaignId } }";
/** Pausing, resuming, cancelling and putting away are asked in the same way. */
export const move = (name) => `mutation Move($input: CampaignInput!) { ${name}(input: $input) { campaign { id status } } }`;

export const ESTIMATE = `query Estimate($id: ID!, $recipients: RuleInput) {
  estimateAudience(campaignId: $id, recipients: $recipients) {
    targeted excluded control channels { channel noAddress suppressed notConsenting capped reachable }
  }
}`;
export const ISSUES = "query Issues($id: ID!) { contentIssues(campaignId: $id) { path message } }";
export const SEGMENTS = "query Segments { segments(first: 100) { nodes { id name memberCount } } }";
export const TOPICS = "query Topics { subscriptionTopics { id name } }";
export const SERIES = `query Series($metrics: [Metric!]!, $start: DateTime!, $end: DateTime!, $step: MetricStep!, $timezone: String!, $subjects: [ID!]) {
  metricSeries(metrics: $metrics, start: $start, end: $end, step: $step, timezone: $timezone, subjects: $subjects) {
    metric total amount points { at count }
  }
}`;

export const RUNS = `query Runs($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  campaign(id: $id) {
    runs(first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes { id number occurrence state data targeted prepared control awaitsWinner problems dueAt finishedAt }
    }
  }
}`;
export const TRIGGER = "mutation TriggerCampaign($input: TriggerCampaignInput!) { triggerCampaign(input: $input) { run { id number } } }";
export const SEND_TRANSACTIONAL = "mutation SendTransactional($input: SendTransactionalInput!) { sendTransactional(input: $input) { deliveryId } }";

export const LINKS = `query Links($id: ID!) {
  campaign(id: $id) { links { id url metrics { clicked clickedOnce humanClicked humanClickedOnce machineClicked } } }
}`;

export const CONTENTS = `query Contents($id: ID!) {
  campaign(id: $id) {
    contents { id channel testGroup language name fromAddress replyTo subject preheader body plain headers fields version sender { id } layout { id } updatedAt }
  }
  senders { id kind name address }
  layouts { id name }
}`;
export const SET_CONTENT = "mutation SetContent($input: SetContentInput!) { setContent(input: $input) { content { id version fields } } }";
export const DELETE_CONTENT = "mutation DeleteContent($input: DeleteContentInput!) { deleteContent(input: $input) { contentId } }";
export const PREVIEW = `query PreviewContent($id: ID, $draft: ContentDraftInput, $customer: CustomerRefInput, $data: JSON) {
  previewContent(contentId: $id, draft: $draft, customer: $customer, data: $data) {
    message { subject preheader body plain fromAddress replyTo headers { name value } fields } links warnings { path line message } missing
  }
}`;
const PERSON = "id email externalId phone attributes locale timezone";
export const PERSON_BY = `query PersonBy($id: ID, $externalId: String, $email: String) { customer(id: $id, externalId: $externalId, email: $email) { ${PERSON} } }`;
export const PEOPLE = `query People($search: String!) { customers(filter: { search: $search }, first: 6) { nodes { ${PERSON} } } }`;
export const LAST_CALL = "query LastCall($id: ID!) { campaign(id: $id) { runs(first: 1) { nodes { data } } deliveries(first: 1) { nodes { data } } } }";
export const SAMPLE = `query Sample($rule: RuleInput!) { previewSegment(rule: $rule, sample: 6) { sample { id email externalId phone attributes } } }`;
export const ANYBODY = "query Anybody { customers(first: 6) { nodes { id email externalId phone attributes } } }";
export const SEND_TEST = "mutation SendTest($input: SendTestInput!) { sendTest(input: $input) { deliveryId } }";

export const CREATE_EXPERIMENT = "mutation CreateExperiment($input: CreateExperimentInput!) { createExperiment(input: $input) { experiment { id } } }";
export const UPDATE_EXPERIMENT = "mutation UpdateExperiment($input: UpdateExperimentInput!) { updateExperiment(input: $input) { experiment { id } } }";
export const DELETE_EXPERIMENT = "mutation DeleteExperiment($input: ExperimentInput!) { deleteExperiment(input: $input) { experimentId } }";
export const DECIDE_EXPERIMENT = "mutation DecideExperiment($input: DecideExperimentInput!) { decideExperiment(input: $input) { experiment { id winner } } }";
export const RESULT = `query Result($id: ID!) {
  experimentResult(experimentId: $id) { winner confidence groups { position sent hits rate low high pValue } }
}`;
