"""What is told of each step of test_review_risks.py, the steps apart by an empty line: `level sentence`."""

TOLD = """\
high storage account st1 is deleted, and its blobs: training data, job outputs and models with it

high storage account st2 is replaced, and its blobs: training data, job outputs and models with it. A new, empty one \
takes its place
medium storage account st2 gets a new name: st1 → st2; whoever uses the old one has to follow
medium storage account st2 gets a new one of its access keys; copies of the old one stop working

high storage account st is replaced, and its blobs: training data, job outputs and \
models with it. A new, empty one takes its place
medium storage account st gets a new name: st1 → (known after the update); whoever \
uses the old one has to follow
medium storage account st gets a new one of its access keys; copies of the old one \
stop working

high key vault kv1 is deleted, and its secrets with it
medium key vault kv1: its old name stays taken, as Azure keeps it soft-deleted for days

high log workspace l is deleted, and its logs with it

high endpoint e is deleted: its URL and keys stop working, and so does whoever calls it

high endpoint e is replaced: its URL stays, its keys are new, and nothing answers until the release has run again

high endpoint f is replaced: its URL and keys are new, and nothing answers until the release has run again
medium endpoint f gets a new name: e → f; whoever uses the old one has to follow

medium cluster c is deleted: a job that runs on it is ended

high identity a is replaced: its roles end, and everything that acts as it is refused
medium identity a gets a new one of its principal id; copies of the old one stop working

medium budget b is deleted: nobody is told any more

medium budget b is replaced

high purge on destroy p is deleted, and purges what Azure would have kept soft-deleted: no way back

high purge on destroy p is replaced: its purge runs now

nothing

medium federated credential f is deleted

medium AI Services account a is replaced
medium AI Services account a gets a new one of its keys; copies of the old one stop working
medium AI Services account a: its old name stays taken, as Azure keeps it soft-deleted for days

medium role assignment r takes Reader on rg from 11111111-0000-4000-8000-000000000001

medium role assignment r gives Reader on rg to 11111111-0000-4000-8000-000000000001

high role assignment r gives Owner on rg to 11111111-0000-4000-8000-000000000001, who can give itself every other role

high role assignment r gives Owner on rg to 11111111-0000-4000-8000-000000000001, who can give itself every other \
role: its condition does not keep it from that, as far as this review can read it

medium role assignment r gives Role Based Access Control Administrator on rg to 11111111-0000-4000-8000-000000000001, \
under a condition on which roles it may pass on

high role assignment r gives Role Based Access Control Administrator on rg to 11111111-0000-4000-8000-000000000001, \
who can give itself every other role: its condition does not keep it from that, as far as this review can read it

high role assignment r gives Reader on s to 11111111-0000-4000-8000-000000000001, over the whole subscription

high role assignment r gives Reader on /providers/Microsoft.Management/managementGroups/m to \
11111111-0000-4000-8000-000000000001, over the whole subscription

medium role assignment r gives Reader on a new resource to a new identity

medium role assignment r gives again Reader on rg to 11111111-0000-4000-8000-000000000001

medium role assignment r takes Reader on rg from 11111111-0000-4000-8000-000000000001 and gives it to whom the \
preview does not know yet

medium role assignment r takes Reader on rg from 11111111-0000-4000-8000-000000000001 and gives it to 2

medium role assignment r takes Reader on rg from 11111111-0000-4000-8000-000000000001 and gives Reader on c

high role assignment r takes Reader on rg from 11111111-0000-4000-8000-000000000001 and gives Owner on rg to 2, who \
can give itself every other role

medium federated credential f lets repo:a/b of https://i act as id-x

high federated credential f: subject: repo:a/b → repo:a/c: somebody else can act as the identity
medium federated credential f lets repo:a/c of https://i act as a new identity
medium federated credential f: resourceName: id-x → (known after the update): what it becomes is known only after the \
update

medium connection co lets whoever may use it reach https://t

medium connection co lets whoever may use it reach a new resource

medium workspace w acts as its own identity → its own identity, id1, a new identity; what that one may not do fails \
later

medium workspace w acts as nobody → nobody; what that one may not do fails later

low workspace w gets other tags

low workspace w is changed in description, friendlyName

medium workspace w is changed, and the preview does not show in what

medium workspace w is no longer protected against deletion

medium knows w: this review does not know what a azure-native:nobody:Knows is, opens or costs

medium storage account st: rename: this review does not know what the engine does then

medium azure-native az: this review does not know what follows from subscriptionId

nothing

medium stage finetune: input.recipe.learning_rate: 1 → 2: a fine-tune is paid for, and another model answers

medium stage finetune: input.fingerprint: a → b: a fine-tune is paid for, and another model answers

nothing

high endpoint ep: properties.traffic.a: 100 → 50, properties.traffic.b: (not set) → 50: the program, and not the \
release, decides who gets the traffic

high storage account st is created with minimumTlsVersion TLS1_0: it accepts broken versions of TLS
high storage account st is created with allowBlobPublicAccess true: its blobs can be made readable by anybody
medium storage account st: this review does not know what follows from unheard
medium storage account st is created without allowSharedKeyAccess, which Azure takes for true: whoever holds its key \
can do everything
medium storage account st is created without publicNetworkAccess, which Azure takes for Enabled: it can be reached \
from the internet

high storage account st: minimumTlsVersion: TLS1_2 → (not set), which Azure takes for TLS1_0: it accepts broken \
versions of TLS
medium storage account st: this review does not know what follows from x1, x2, x3, x4 and 2 more
"""
