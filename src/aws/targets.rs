//! Elastic Load Balancing: whether what it sends to is healthy.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::access::{Access, senseless};
use super::error::Failure;
use super::signed::{Query, Service};

/// That of application and network load balancers.
const SECOND: (Service, &str) =
    (Service { id: "Elastic Load Balancing v2", name: "elasticloadbalancing" }, "2015-12-01");

/// That of classic ones.
const FIRST: (Service, &str) = (Service { id: "Elastic Load Balancing", name: "elasticloadbalancing" }, "2012-06-01");

/// The health of one target or instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// The instance, or the address of the task.
    pub id: String,
    /// The port; classic load balancers do not say.
    pub port: Option<u16>,
    /// `healthy`, `unhealthy`, `draining`, …; `InService`, `OutOfService` of a classic one.
    pub state: String,
    /// Such as `Target.ResponseCodeMismatch`.
    pub reason: Option<String>,
    /// Why, in words.
    pub description: Option<String>,
}

/// The Elastic Load Balancing APIs.
#[derive(Debug, Clone)]
pub struct Targets<'c> {
    access: Access<'c>,
}

impl<'c> Targets<'c> {
    /// A client.
    pub fn of(access: &Access<'c>) -> Self {
        Self { access: access.clone() }
    }

    /// The health of the targets of a target group.
    pub fn target_health(&self, target_group_arn: &str) -> Result<Vec<Health>, Failure> {
        let (service, version) = SECOND;
        self.ask(service, &Query::of("DescribeTargetHealth", version).with("TargetGroupArn", target_group_arn))
    }

    /// The health of the instances of a classic load balancer.
    pub fn instance_health(&self, load_balancer: &str) -> Result<Vec<Health>, Failure> {
        let (service, version) = FIRST;
        self.ask(service, &Query::of("DescribeInstanceHealth", version).with("LoadBalancerName", load_balancer))
    }

    fn ask(&self, service: Service, query: &Query) -> Result<Vec<Health>, Failure> {
        health(&service.ask(&self.access, query)?).ok_or_else(|| senseless("XML"))
    }
}

/// The members of either answer. Elements that are not known are passed over.
fn health(answer: &[u8]) -> Option<Vec<Health>> {
    let mut reader = Reader::from_reader(answer);
    let (mut found, mut path, mut text): (Vec<Health>, Vec<String>, String) = (Vec::new(), Vec::new(), String::new());
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
                if name == "member" && path.last().is_some_and(|list| is_list(list)) {
                    found.push(Health::default());
                }
                path.push(name);
                text.clear();
            }
            Event::Text(piece) => text.push_str(&piece.decode().ok()?),
            Event::GeneralRef(reference) => {
                let letter = reference.resolve_char_ref().ok()?;
                let name = reference.decode().ok()?;
                match letter {
                    Some(letter) => text.push(letter),
                    None => text.push_str(quick_xml::escape::resolve_predefined_entity(&name).unwrap_or_default()),
                }
            }
            Event::End(_) => {
                let name = path.pop()?;
                if let Some(one) = found.last_mut() {
                    keep(one, &name, path.last().map_or("", String::as_str), &text);
                }
                text.clear();
            }
            Event::Eof => return path.is_empty().then_some(found),
            _ => {}
        }
    }
}

fn is_list(name: &str) -> bool {
    matches!(name, "TargetHealthDescriptions" | "InstanceStates")
}

fn keep(one: &mut Health, name: &str, within: &str, text: &str) {
    let some = || Some(text.trim().to_owned()).filter(|text| !text.is_empty() && text != "N/A");
    match (within, name) {
        ("Target", "Id") | ("member", "InstanceId") => text.trim().clone_into(&mut one.id),
        ("Target", "Port") => one.port = text.trim().parse().ok(),
        ("TargetHealth" | "member", "State") => text.trim().clone_into(&mut one.state),
        ("TargetHealth", "Reason") | ("member", "ReasonCode") => one.reason = some(),
        ("TargetHealth" | "member", "Description") => one.description = some(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_of_a_group() {
        let answer =
            br#"<DescribeTargetHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">
  <DescribeTargetHealthResult><TargetHealthDescriptions>
    <member><HealthCheckPort>80</HealthCheckPort>
      <TargetHealth><State>unhealthy</State><Reason>Target.ResponseCodeMismatch</Reason>
        <Description>Health checks failed with these codes: [500] &amp; &#60;more></Description></TargetHealth>
      <Target><Port>8080</Port><Id>10.0.0.7</Id></Target></member>
    <member><TargetHealth><State>healthy</State></TargetHealth><Target><Id>i-1</Id></Target></member>
  </TargetHealthDescriptions></DescribeTargetHealthResult>
  <ResponseMetadata><RequestId>c53</RequestId></ResponseMetadata></DescribeTargetHealthResponse>"#;
        let unhealthy = Health {
            id: "10.0.0.7".to_owned(),
            port: Some(8080),
            state: "unhealthy".to_owned(),
            reason: Some("Target.ResponseCodeMismatch".to_owned()),
            description: Some("Health checks failed with these codes: [500] & <more>".to_owned()),
        };
        let healthy = Health { id: "i-1".to_owned(), state: "healthy".to_owned(), ..Health::default() };
        assert_eq!(health(answer).unwrap(), [unhealthy, healthy]);
    }

    #[test]
    fn instances_of_a_classic_load_balancer() {
        let answer = b"<DescribeInstanceHealthResponse><DescribeInstanceHealthResult><InstanceStates><member>\
            <Description>Instance has failed</Description><InstanceId>i-90d8</InstanceId><State>OutOfService</State>\
            <ReasonCode>Instance</ReasonCode></member><member><Description>N/A</Description><InstanceId>i-06ea\
            </InstanceId><State>InService</State><ReasonCode>N/A</ReasonCode></member></InstanceStates>\
            </DescribeInstanceHealthResult></DescribeInstanceHealthResponse>";
        let found = health(answer).unwrap();
        assert_eq!((found[0].id.as_str(), found[0].state.as_str()), ("i-90d8", "OutOfService"));
        assert_eq!(found[0].reason.as_deref(), Some("Instance"));
        assert_eq!(found[1], Health { id: "i-06ea".to_owned(), state: "InService".to_owned(), ..Health::default() });
    }

    #[test]
    fn what_is_cut_off_is_no_answer() {
        assert_eq!(health(b"<A><InstanceStates><member><InstanceId>i-1</InstanceId>"), None);
        assert_eq!(health(b"<A></A>"), Some(Vec::new()));
    }
}
